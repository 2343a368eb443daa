# How long do the most used commands take, and how much memory, on a store of 1,000 layers, 200 images and 200 containers?
# Read with `.` by run.sh. Every image has a chain of four layers and a configuration and manifest; every container a layer
# of its own. Ours makes the store; containers-storage gets a copy. Prints, for each command: ours as it is (all flushed),
# ours without flushing, containers-storage, and how many times faster ours is as it is; the same in processor time, which
# says more where other work shares the machine; and the largest resident sets.

# fill_commands: makes the store at $disk/ours and its copy at $disk/theirs
fill_commands() {
  sh -c "$(fresh_store ours); $(fresh_store theirs)"
  use_store "$disk/ours"
  made_by=ours_unflushed
  mkdir -p "$scratch/small"
  for layer in 1 2 3 4; do
    printf 'layer %s\n' "$layer" >"$scratch/small/file-$layer"
    tar -C "$scratch/small" -cf "$scratch/small-$layer.tar" "file-$layer"
  done
  image=0
  while [ $((image += 1)) -le 200 ]; do
    parent=
    for layer in 1 2 3 4; do
      # shellcheck disable=SC2086
      parent=$(ours_unflushed import-layer --file "$scratch/small-$layer.tar" $parent | head -n 1)
    done
    write_image "image-$image" "$scratch/image" "$scratch/small-1.tar" "$scratch/small-2.tar" "$scratch/small-3.tar" "$scratch/small-4.tar"
    make_image "localhost/image:$image" "$parent" "$scratch/image" >/dev/null || return 1
    ours_unflushed create-container --name "box-$image" --metadata '{"image-name":"localhost/image","name":"box"}' "localhost/image:$image" >/dev/null || return 1
  done
  umount -l "$graph/overlay" 2>/dev/null
  rm -rf --one-file-system "$disk/theirs" && cp -a "$disk/ours" "$disk/theirs" && sync -f "$disk"
}
ours_unflushed() { ours --durability none "$@"; }

# measure_command LABEL BEFORE COMMAND...: BEFORE is words for the same program, run untimed before each run
measure_command() {
  label=$1 before=$2
  shift 2
  full=$(timed_runs=$command_runs timed "${before:+$(ours_at ours) $before >/dev/null}" $(ours_at ours) "$@")
  read -r full_memory full_cpu <"$scratch/memory"
  none=$(timed_runs=$command_runs timed "${before:+$(ours_at ours) $before >/dev/null}" $(ours_at ours) --durability none "$@")
  go='' go_memory='' go_cpu=''
  if has containers-storage; then
    go=$(timed_runs=$command_runs timed "${before:+$(theirs_at theirs) $before >/dev/null}" $(theirs_at theirs) "$@")
    read -r go_memory go_cpu <"$scratch/memory"
  fi
  awk -v label="$label" -v full="$full" -v none="$none" -v go="$go" -v mf="$full_memory" -v mg="$go_memory" -v cf="$full_cpu" -v cg="$go_cpu" '
    function of(format, value) { return value == "" ? "-" : sprintf(format, value) }
    BEGIN {
      printf "%-24s %8s %8s %8s %7s  %8s %8s %7s  %7s %7s\n", label, of("%.2f", full * 1000), of("%.2f", none * 1000),
        of("%.1f", go == "" ? "" : go * 1000), of("%.1f x", go == "" || !full ? "" : go / full), of("%.2f", cf * 1000),
        of("%.1f", cg == "" ? "" : cg * 1000), of("%.1f x", cg == "" || !cf ? "" : cg / cf), of("%.1f", mf / 1024), of("%.1f", mg == "" ? "" : mg / 1024)
    }'
}

measure_commands() {
  command_runs=${STRATA_COMMAND_RUNS:-15}
  fill_commands || die 'cannot make the store'
  printf '\n%s layers, %s images, %s containers; times in ms, memory in MiB; least of %s runs\n' "$(ours layers --json | jq length)" \
    "$(ours images --json | jq length)" "$(ours containers --json | jq length)" "$command_runs"
  printf '%-24s %8s %8s %8s %7s  %8s %8s %7s  %7s %7s\n' '' ours unflsh. theirs faster 'ours cpu' 'theirs' faster 'ours' theirs
  one=$(ours images --quiet | sed -n 100p)
  top_layer=$(ours image --json "$one" | jq -r '.[0].layer')
  measure_command layers '' layers
  measure_command 'layers --json' '' layers --json
  measure_command images '' images
  measure_command containers '' containers
  measure_command 'image NAME' '' image localhost/image:100
  measure_command 'layer ID' '' layer "$top_layer"
  measure_command 'exists NAME' '' exists localhost/image:100
  measure_command 'metadata NAME' '' metadata box-100
  measure_command 'set-metadata NAME' '' set-metadata --metadata text box-100
  measure_command 'create-layer' '' create-layer
  measure_command 'import-layer, small' '' import-layer --file "$scratch/small-4.tar" "$top_layer"
  measure_command 'create-container IMAGE' '' create-container localhost/image:100
  measure_command 'delete-container NAME' 'create-container --name victim localhost/image:100' delete-container victim
  measure_command 'mount NAME' 'unmount --force box-100' mount box-100
  measure_command 'unmount NAME' 'mount box-100' unmount box-100
  measure_command 'diff LAYER, small' '' diff -u "$top_layer"
  umount -l "$disk/ours/graph/overlay" "$disk/theirs/graph/overlay" 2>/dev/null
}
