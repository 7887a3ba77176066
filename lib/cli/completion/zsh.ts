/**
 * Completion for zsh, by its own `_arguments`.
 *
 * @module
 */
import {
  COMMAND_NAMES,
  type CommandName,
  commandSpec,
  type OptionSpec,
} from "../commands.ts";
import {
  argumentsOf,
  flagsOf,
  optionsOf,
  quoted,
  takesFile,
  valuedOptions,
} from "./words.ts";

/** The script, for a file `_sameorigin` in `$fpath`, or to be sourced. */
export function zshCompletion(): string {
  const commands = COMMAND_NAMES.map((name) =>
    `    ${quoted(`${name}:${escaped(commandSpec(name).summary)}`)}`
  );
  const cases = COMMAND_NAMES.map((name) =>
    argumentsCase(name, name, [`1: :(${name})`, ...argumentSpecs(name)])
  );
  return `#compdef sameorigin
# zsh completion of sameorigin.
# Load it with: source <(sameorigin completion zsh)
_sameorigin_commands() {
  local -a commands
  commands=(
${commands.join("\n")}
  )
  _describe command commands
}
_sameorigin() {
  local command= word skip=
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $skip ]]; then
      skip=
      continue
    fi
    case $word in
      ${valuedOptions().flatMap(flagsOf).join("|")}) skip=1 ;;
      -*) ;;
      *)
        command=$word
        break
        ;;
    esac
  done
  case $command in
${argumentsCase("''", "run", ["1: :_sameorigin_commands"])}
${cases.join("\n")}
  esac
}
if [[ $funcstack[1] == _sameorigin ]]; then
  _sameorigin "$@"
else
  compdef _sameorigin sameorigin
fi
`;
}

function argumentsCase(
  pattern: string,
  command: CommandName,
  specs: readonly string[],
): string {
  const all = [...optionsOf(command).map(optionSpecOf), ...specs.map(quoted)];
  return `    ${pattern})
      _arguments -S \\
${all.map((spec) => `        ${spec}`).join(" \\\n")}
      ;;`;
}

function argumentSpecs(command: CommandName): string[] {
  return argumentsOf(command).map(({ name, words }, at) =>
    `${at + 2}:${name}:${words.length === 0 ? "" : `(${words.join(" ")})`}`
  );
}

function optionSpecOf(option: OptionSpec): string {
  const flags = flagsOf(option);
  const { value, choices, repeatable, summary } = option;
  const text = `[${escaped(summary)}]`;
  const action = value === undefined
    ? ""
    : `:${escaped(value.replaceAll("'", ""))}:${
      takesFile(option)
        ? "_files"
        : choices === undefined
        ? ""
        : `(${choices.join(" ")})`
    }`;
  const equals = value === undefined ? "" : "=";
  return flags.map((flag) => {
    const isLong = flag.startsWith("--");
    const excluded = repeatable === true ? "*" : `(${flags.join(" ")})`;
    return quoted(`${excluded}${flag}${isLong ? equals : ""}${text}${action}`);
  }).join(" ");
}

/** A text in a specification of `_arguments`, in which `:` and brackets have a meaning. */
function escaped(text: string): string {
  return text.replace(/[\\:[\]]/g, "\\$&");
}
