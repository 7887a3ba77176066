/**
 * Completion for bash, from 3.2 on (macOS has that).
 *
 * @module
 */
import { COMMAND_NAMES } from "../commands.ts";
import {
  argumentsOf,
  flagsOf,
  optionsOf,
  quoted,
  takesFile,
  valuedOptions,
} from "./words.ts";

/** The script, to be sourced. */
export function bashCompletion(): string {
  const valued = valuedOptions();
  const files = valued.filter(takesFile).flatMap(flagsOf);
  const chosen = valued.flatMap((option) =>
    option.choices === undefined
      ? []
      : [[flagsOf(option).join("|"), option.choices.join(" ")] as const]
  );
  const options = COMMAND_NAMES.map((name) => {
    const flags = optionsOf(name).flatMap(flagsOf).join(" ");
    return [name === "run" ? "run|''" : name, flags] as const;
  });
  const words = COMMAND_NAMES.flatMap((name) =>
    argumentsOf(name).flatMap(({ words }, at) =>
      words.length === 0 ? [] : [[`${name}:${at}`, words.join(" ")] as const]
    )
  );
  const cases = (all: readonly (readonly [string, string])[]) =>
    all.map(([pattern, list]) => `      ${pattern}) words=${quoted(list)} ;;`)
      .join("\n");
  return `# bash completion of sameorigin.
# Load it with: source <(sameorigin completion bash)
_sameorigin() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local command= words= at=0 i
  # bash makes three words of --name=value.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${valued.flatMap(flagsOf).join("|")})
        if [[ \${COMP_WORDS[i+1]} == = ]]; then ((i++)); fi
        ((i++))
        ;;
      -*) ;;
      *) if [[ -z $command ]]; then command=\${COMP_WORDS[i]}; else ((at++)); fi ;;
    esac
  done
  case $prev in
    ${files.join("|")})
      local IFS=$'\\n'
      compopt -o filenames 2> /dev/null
      COMPREPLY=($(compgen -f -- "$cur"))
      return
      ;;
${
    chosen.map(([flags, list]) =>
      `    ${flags})
      COMPREPLY=($(compgen -W ${quoted(list)} -- "$cur"))
      return
      ;;`
    ).join("\n")
  }
    ${
    valued.filter((it) => !takesFile(it) && it.choices === undefined)
      .flatMap(flagsOf).join("|")
  }) return ;;
  esac
  if [[ $cur == -* ]]; then
    case $command in
${cases(options)}
    esac
  elif [[ -z $command ]]; then
    words=${quoted(COMMAND_NAMES.join(" "))}
  else
    case $command:$at in
${cases(words)}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _sameorigin sameorigin
`;
}
