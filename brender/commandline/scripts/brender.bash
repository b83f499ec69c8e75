# Completes the words of brender, and the names of its farm, in bash. In ~/.bashrc:  source <(brender completion bash)
_brender() {
    local line="${COMP_LINE:0:COMP_POINT}" offer first=""
    COMPREPLY=()
    while IFS= read -r offer; do
        if [[ -z $first ]]; then
            first=$offer
        else
            COMPREPLY+=("$offer")
        fi
    done < <("${COMP_WORDS[0]/#\~/$HOME}" completion answer bash "$line" "$COMP_WORDBREAKS" 2>/dev/null)
    if [[ $first == files ]]; then
        compopt -o default
    elif [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/:.,] ]]; then
        compopt -o nospace
    fi
}
complete -o nosort -F _brender brender 2>/dev/null || complete -F _brender brender
