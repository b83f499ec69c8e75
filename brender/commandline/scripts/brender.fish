# Completes the words of brender, and the names of its farm, in fish. In ~/.config/fish/completions/brender.fish:
#   brender completion fish | source
function __brender_complete
    set -l program (commandline -opc)[1]
    set -l offers ($program completion answer fish (commandline -cp | string collect) 2>/dev/null)
    if test "$offers[1]" = files
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $offers[2..-1]
    end
end
complete -c brender -f -a '(__brender_complete)'
