# What zsh completes: `zsh complete.zsh SCRIPT LINE` prints the words, a line
# each. No command of zsh tells that, so one in a terminal of its own is asked,
# with a compadd that writes down what it is given.
zmodload zsh/zpty || exit 1
home=$(mktemp -d) || exit 1
cat > $home/.zshrc <<END
PROMPT=
autoload -Uz compinit && compinit -D -u
source ${(q)1}
compadd() {
  # These only ask compadd for something.
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
    builtin compadd "\$@"
    return
  fi
  local -a hits
  builtin compadd -A hits "\$@"
  print -rl -- \$hits >> $home/hits
  builtin compadd "\$@"
}
finish() { exit }
comppostfuncs=(finish)
bindkey '^I' complete-word
END
zpty child env ZDOTDIR=$home TERM=dumb zsh -i
zpty -w -n child "$2"$'\t'
while zpty -r child ignored; do done
[[ -e $home/hits ]] && grep . $home/hits
# Not by a trap: the child, a fork, would have it too.
rm -rf $home
