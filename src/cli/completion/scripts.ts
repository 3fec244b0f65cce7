// The scripts that shells load. Each asks `outflow complete` for what may come next, so they need no change when a flag is added: a line
// for each candidate (value, tab, description), and `:files` or `:dirs` where the shell's own names of files belong.

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

const BASH = `# bash completion for outflow: source <(outflow completion bash)
_outflow() {
  local cur=\${COMP_WORDS[COMP_CWORD]} line words=() i
  COMPREPLY=()
  # bash takes --flag=value apart at the equals sign; so do its replies.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    if [[ \${COMP_WORDS[i]} == = && \${#words[@]} -gt 0 ]]; then words[-1]+==
    elif [[ \${COMP_WORDS[i - 1]} == = && \${#words[@]} -gt 0 ]]; then words[-1]+=\${COMP_WORDS[i]}
    else words+=("\${COMP_WORDS[i]}"); fi
  done
  [[ $cur == = ]] && cur=
  while IFS= read -r line; do
    case $line in
      :files) compopt -o filenames; COMPREPLY+=($(compgen -f -- "$cur")) ;;
      :dirs) compopt -o filenames; COMPREPLY+=($(compgen -d -- "$cur")) ;;
      *)
        line=\${line%%$'\\t'*}
        [[ \${words[-1]} == --*=* ]] && line=\${line#*=}
        COMPREPLY+=("$line")
        ;;
    esac
  done < <("\${COMP_WORDS[0]}" complete -- "\${words[@]}" 2>/dev/null)
}
complete -F _outflow outflow
`;

const ZSH = `#compdef outflow
# zsh completion for outflow: outflow completion zsh > "\${fpath[1]}/_outflow", or source <(outflow completion zsh)
_outflow() {
  local line
  local -a values
  for line in "\${(@f)$("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      :files) _files ;;
      :dirs) _files -/ ;;
      ?*) values+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  (( $#values )) && _describe outflow values
}
if [[ $funcstack[1] == _outflow ]]; then _outflow "$@"; else compdef _outflow outflow; fi
`;

const FISH = `# fish completion for outflow: outflow completion fish > ~/.config/fish/completions/outflow.fish
function __outflow_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    $before[1] complete -- $before[2..-1] "$current" 2>/dev/null | while read -l line
        switch $line
            case ':files'
                __fish_complete_path "$current"
            case ':dirs'
                __fish_complete_directories "$current"
            case '*'
                echo $line
        end
    end
end
complete -c outflow -f -a '(__outflow_complete)'
`;

export const scripts: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
