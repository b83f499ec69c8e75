#compdef brender
# Completes the words of brender, and the names of its farm, in zsh. In ~/.zshrc, after compinit:
#   source <(brender completion zsh)
# or as a file named _brender in a folder of $fpath.
_brender() {
    local line="${(j: :)words[1,CURRENT-1]} ${QIPREFIX}${PREFIX}"
    local -a offers whole open
    local offer text
    offers=("${(@f)$(${(Q)words[1]/#\~/$HOME} completion answer zsh "$line" 2>/dev/null)}")
    if [[ $offers[1] == files ]]; then
        compset -P '*='
        _files
        return
    fi
    for offer in "${(@)offers[2,-1]}"; do
        text=${offer%%$'\t'*}
        if [[ $text == *[=/:.,] ]]; then
            open+=("${text//:/\\:}:${offer#*$'\t'}")
        else
            whole+=("${text//:/\\:}:${offer#*$'\t'}")
        fi
    done
    local -a match=(-M 'm:{[:lower:][:upper:]}={[:upper:][:lower:]}')
    _describe -V brender whole "${match[@]}" -- open "${match[@]}" -S ''
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _brender "$@"
else
    compdef _brender brender
fi
