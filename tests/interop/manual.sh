#!/bin/sh
# The manual page and the completion for bash that oci-storage makes of its table of commands: each command, alias and option
# is in both, the page has nothing that formatters complain of, and bash completes commands, options and what a store has.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh
make_scratch
tab=$(printf '\t')
page=$scratch/oci-storage.1 script=$scratch/oci-storage.bash

check 'the page is made' sh -c '"$1" --generate man >"$2"' - "$OCI_STORAGE" "$page" || exit 1
check 'the script is made' sh -c '"$1" --generate bash >"$2"' - "$OCI_STORAGE" "$script" || exit 1
check_equal 'the page is the same wherever and for whomever it is made' "$(SOURCE_DATE_EPOCH=86400 "$OCI_STORAGE" --generate man | sha256sum)" \
  "$(cd / && env -i SOURCE_DATE_EPOCH=86400 STORAGE_DRIVER=vfs HOME=/nonexistent "$OCI_STORAGE" --generate man | sha256sum)"
check_equal 'its date is that of the sources' 1 "$(SOURCE_DATE_EPOCH=86400 "$OCI_STORAGE" --generate man | grep -c '^\.TH .* "1970-01-02"')"
check_equal 'nothing else is made' '1 --generate: "html" is neither man nor bash' "$("$OCI_STORAGE" --generate html 2>"$scratch/err"; echo "$? $(cat "$scratch/err")")"

# --- all that there is, by the table and by help -------------------------------------------------------------------

option_names() { sed -n 's/^  \(-.*\)$/\1/p' | sed 's/   .*//; s/=.*//; s/, /,/g'; }
"$OCI_STORAGE" --help | sed -n '/^Options:/,$p' | option_names | tr , '\n' >"$scratch/global"
sed -n '/std::to_array<Command>/,$s/^ *{"\([a-z-]*\)", "\([a-z-]*\)", [0-9].*/\1 \2/p' examples/oci-storage/commands.cpp >"$scratch/commands"
check_equal 'help lists the commands of the table' "$(cut -d' ' -f1 "$scratch/commands")" \
  "$("$OCI_STORAGE" 2>/dev/null </dev/null | sed -n '/^Commands:/,/^Options:/s/^  \([a-z][^ ]*\) .*/\1/p')"
[ -s "$scratch/commands" ] && [ -s "$scratch/global" ] || not_ok 'the table has commands and options'

# plain text of a section of the page: section_of NAME
sed 's/\\fB//g; s/\\fI//g; s/\\fR//g; s/\\-/-/g' "$page" >"$scratch/plain"
section_of() { awk -v name="$1" '/^\.S[SH] / { inside = $0 == ".SS " name || $0 == ".SH " name; next } inside' "$scratch/plain"; }
# has_options WHERE FILE: the section of the page has each option of the file, which begins a paragraph
has_options() {
  while read -r option; do
    section_of "$1" | grep -A1 '^\.TP' | grep -qE "(^|, )$option(,| |\$)" || echo " $1 $option"
  done <"$2"
}
# in_script COMMAND: options that the script knows
in_script() { bash -c '. "$1" 2>/dev/null; _oci_storage_table "$2" && printf "%s\n" $options $global_options' - "$script" "$1"; }

lacking=$(has_options OPTIONS "$scratch/global")
while read -r command alias; do
  for name in $command $alias; do
    "$OCI_STORAGE" "$name" --help 2>&1 >/dev/null | option_names | tr , '\n' >"$scratch/all"
    grep -vxF -e --help -e -h -f "$scratch/global" "$scratch/all" >"$scratch/own"
    grep -qxF -- "$name" "$scratch/bash" 2>/dev/null || bash -c '. "$1" 2>/dev/null; _oci_storage_table "$2" && printf "%s\n" $commands' - "$script" '' >"$scratch/bash"
    grep -qxF -- "$name" "$scratch/bash" || lacking="$lacking $name (script)"
    lacking="$lacking$(in_script "$name" | sort -u >"$scratch/offered"; sort -u "$scratch/all" | grep -vxF -f "$scratch/offered" | sed "s/^/ $name (script) /")"
  done
  section_of "$command" | grep -q "^oci-storage $command" || lacking="$lacking $command (page)"
  [ -z "$alias" ] || section_of "$command" | grep -qxF "Also called $alias." || lacking="$lacking $alias (page)"
  lacking="$lacking$(has_options "$command" "$scratch/own")"
  usage=$("$OCI_STORAGE" "$command" --help 2>/dev/null | sed -n 3p)
  section_of "$command" | sed 's/\\(aq/'"'"'/g; s/\\&//g' | grep -qxF "$usage." || lacking="$lacking $command: $usage"
done <"$scratch/commands"
check_equal 'each command, alias and option is in the page and in the script' '' "$lacking"
check_equal 'the page has nothing else' "$(wc -l <"$scratch/commands")" "$(grep -c '^\.SS ' "$page")"

# --- what formatters say ---------------------------------------------------------------------------------------------

# says_nothing NAME COMMAND...
says_nothing() {
  name=$1
  shift
  check_equal "$name" '' "$("$@" 2>&1 >/dev/null </dev/null)"
}
if has man; then says_nothing 'man formats the page without a warning' env MANWIDTH=80 man --warnings -l "$page"; else skip man 'not installed'; fi
if has groff; then says_nothing 'groff formats the page without a warning' groff -ww -mandoc -Tutf8 "$page"; else skip groff 'not installed'; fi
if has mandoc; then check 'mandoc has nothing to warn of' mandoc -T lint -W warning "$page"; else skip mandoc 'not installed'; fi
if has man; then
  check 'the page reads as the help' sh -c 'man -l "$1" 2>/dev/null | col -b | grep -q "^ *Create a new image using layers\."' - "$page"
fi

# --- what bash completes ---------------------------------------------------------------------------------------------

loader=/usr/share/bash-completion/bash_completion
if ! [ -f "$loader" ] || ! has bash; then
  skip 'completion by bash' 'needs bash-completion'
  exit 0
fi
check 'the script has no error of syntax' bash -n "$script"

# completed LINE: what bash offers at the end of the line, sorted, a line each
mkdir "$scratch/bin" "$scratch/empty"
ln -s "$OCI_STORAGE" "$scratch/bin/oci-storage"
cat >"$scratch/completed" <<'END'
. "$1"; . "$2"
COMP_LINE=$3 COMP_POINT=${#3} COMP_TYPE=9 COMP_KEY=9
# the words as readline has them: "=" and ":" are words of their own
rest=$3 COMP_WORDS=()
read -r -a pieces <<<"${rest//[:=]/ & }" 2>/dev/null
pieces=()
while [[ $rest ]]; do
  if [[ $rest =~ ^(' '+) ]]; then rest=${rest#"${BASH_REMATCH[1]}"}; [[ $rest ]] || pieces+=('')
  elif [[ $rest =~ ^([:=]+) ]] || [[ $rest =~ ^([^ :=]+) ]]; then pieces+=("${BASH_REMATCH[1]}"); rest=${rest#"${BASH_REMATCH[1]}"}; fi
done
COMP_WORDS=("${pieces[@]}") COMP_CWORD=$((${#pieces[@]} - 1))
compopt() { [[ $* != '-o default' ]] || COMPREPLY+=('(files)'); }
_oci_storage oci-storage "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
END
completed() {
  (cd "$scratch/empty" && PATH=$scratch/bin:$PATH CONTAINERS_STORAGE_CONF=/dev/null bash "$scratch/completed" "$loader" "$script" "$1" 2>"$scratch/err" | LC_ALL=C sort)
  if [ -s "$scratch/err" ]; then head -n 3 "$scratch/err"; fi
}
lines() { printf '%s\n' "$@"; }
check_equal 'a command by its beginning' "$(lines create-container create-image create-layer create-storage-layer)" "$(completed 'oci-storage create-')"
check_equal 'a command behind options' 'history' "$(completed 'oci-storage -g /x --storage-driver=vfs -D hist')"
check_equal 'options before a command' "$(lines --storage-driver --storage-opt)" "$(completed 'oci-storage --sto')"
check_equal 'options of a command, and those of all' "$(lines --image-store --input)" "$(completed 'oci-storage load --i')"
check_equal 'options of an alias' "$(lines --gidmap --graph)" "$(completed 'oci-storage createlayer --g')"
check_equal 'no options of a word that is no command' '' "$(completed 'oci-storage nothing --')"
check_equal 'the values of an option' "$(lines docker-archive docker-dir)" "$(completed 'oci-storage save --format docker-')"
check_equal 'the values of an option behind "="' "$(lines oci-archive oci-dir)" "$(completed 'oci-storage save --format=oci')"
check_equal 'the values of an option for all' "$(lines full none)" "$(completed 'oci-storage images --durability ')"
check_equal 'files, where an option takes any text' '(files)' "$(completed 'oci-storage load -i ')"

store="-g $scratch/graph -R $scratch/run -s vfs"
o() { CONTAINERS_STORAGE_CONF=/dev/null "$OCI_STORAGE" $store "$@"; }
layer=$(o create-layer -n bottom | head -n 1) && other=$(o create-layer -n 'odd $(touch evil) `touch evil`' "$layer" | head -n 1) &&
  image=$(o create-image -n localhost:5000/tool:1 -n localhost:5000/tool:2 "$layer" | head -n 1) &&
  container=$(o create-container -n box "$image" | head -n 1) && echo text >"$scratch/text" &&
  o set-image-data -f "$scratch/text" "$image" some-data >/dev/null || not_ok 'a store is made'
check_equal 'names of images' "$(lines 5000/tool:1 5000/tool:2)" "$(completed "oci-storage $store image localhost:" | sed 's/^localhost://')"
check_equal 'names of images up to a colon' "$(lines 1 2)" "$(completed "oci-storage $store image localhost:5000/tool:")"
check_equal 'an id of an image' "$image" "$(completed "oci-storage $store inspect $(printf '%.10s' "$image")")"
check_equal 'containers, of the store that is named' "$(lines "$container" box | LC_ALL=C sort)" "$(completed "oci-storage $store container ")"
check_equal 'items of all kinds' "$(lines bottom box)" "$(completed "oci-storage $store delete bo")"
check_equal 'names as words of the shell' 'odd\ \$\(touch\ evil\)\ \`touch\ evil\`' "$(completed "oci-storage $store layer odd")"
check_equal 'what is attached to an item' 'some-data' "$(completed "oci-storage $store get-image-data $image so")"
check_equal 'nothing where there are arguments enough' '' "$(completed "oci-storage $store get-image-dir $image ")"
check_equal 'nothing of a store that is not there' '' "$(completed 'oci-storage -g /dev/null/x -R /dev/null/x image ')"
check_equal 'no name of an item was run' '' "$(ls "$scratch/empty")"
