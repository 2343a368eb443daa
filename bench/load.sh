# How long do images take into a store and out of it? Read with `.` by run.sh. Two images, as OCI layouts with gzip'd layers and
# as docker-archives: one of five layers of 80 MB, cold; and one of these and a small new layer, into a store that has the
# five. Beside podman and skopeo in the same run; the floor is what the work itself takes: the processor time of its stages
# by openssl, igzip and tar over two processors, or the unpacking of the plain layers by tar, whichever is more.

# split_tree: five plain tars of 80 MB, $images/layer-N.tar: the Debian tree twice, its files dealt out by size
split_tree() {
  mkdir -p "$images/tree" && tar --numeric-owner -C "$images/tree" -xf "$tar" || return 1
  (cd "$images/tree" && find . -mindepth 1 ! -type d -printf '%s %p\n') | sort -rn |
    awk -v to="$images/files-" '{ least = 1; for (i = 2; i <= 5; ++i) if (sum[i] < sum[least]) least = i; sum[least] += $1 + 1024; sub(/^[0-9]+ /, ""); print > (to least) }'
  for layer in 1 2 3 4 5; do
    tar --numeric-owner --no-recursion -C "$images/tree" -cf "$images/layer-$layer.tar" -T "$images/files-$layer" &&
      tar --numeric-owner --no-recursion --transform 's,^\./,./srv/copy/,' -C "$images/tree" -rf "$images/layer-$layer.tar" -T "$images/files-$layer" || return 1
  done
  rm -rf "$images/tree"
  mkdir "$images/small" && echo new >"$images/small/new" && tar -C "$images/small" -cf "$images/layer-6.tar" .
}

make_images() {
  images=$scratch/images
  mkdir "$images" && split_tree || return 1
  for layer in 1 2 3 4 5 6; do gzip -kn "$images/layer-$layer.tar"; done
  set -- "$images/layer-1.tar.gz" "$images/layer-2.tar.gz" "$images/layer-3.tar.gz" "$images/layer-4.tar.gz" "$images/layer-5.tar.gz"
  write_layout "$images/cold" localhost/bench:1 "$@"
  write_layout "$images/child" localhost/bench:1 "$@" "$images/layer-6.tar.gz"
  for image in cold child; do
    skopeo copy -q "oci:$images/$image" "docker-archive:$images/$image.docker:localhost/bench:1" || return 1
    tar -C "$images/$image" -cf "$images/$image.oci" . || return 1
  done
}

podman_at() { printf 'podman --root %s --runroot %s --tmpdir %s --storage-driver overlay --cgroup-manager cgroupfs --events-backend none' "$disk/$1/graph" "$disk/$1/run" "$disk/$1/tmp"; }
skopeo_to() { printf 'containers-storage:[overlay@%s+%s]localhost/bench:1' "$disk/$1/graph" "$disk/$1/run"; }

# before NAME FORM: the line that makes the store NAME ready: empty, or, for child, with the image that it is over
before() { if [ "$2" = child ]; then echo "$(fresh_store "$1") && $(ours_at "$1") --durability none load --quiet --input $images/cold >/dev/null && sync -f $disk"; else fresh_store "$1"; fi; }

# floor_of: of the five gzip'd layers, in seconds
floor_of() {
  all_gz=$(timed '' sh -c "cat $images/layer-[1-5].tar.gz | openssl dgst -sha256") && read -r _ cpu_gz <"$scratch/memory"
  all_tar=$(timed '' sh -c "cat $images/layer-[1-5].tar | openssl dgst -sha256") && read -r _ cpu_tar <"$scratch/memory"
  inflate=$(timed '' sh -c "cat $images/layer-[1-5].tar.gz | igzip -dc >/dev/null") && read -r _ cpu_inflate <"$scratch/memory"
  unpacking=$(timed "$(fresh tar)" sh -c "for layer in 1 2 3 4 5; do tar --numeric-owner -p -C $disk/tar -xf $images/layer-\$layer.tar || exit; done") && read -r _ cpu_unpack <"$scratch/memory"
  rm -rf "$disk/tar"
  : "${all_gz}${all_tar}${inflate}"
  awk -v a="$cpu_gz" -v b="$cpu_tar" -v c="$cpu_inflate" -v d="$cpu_unpack" -v wall="$unpacking" 'BEGIN { cpu = (a + b + c + d) / 2; print (cpu > wall ? cpu : wall) }'
}

measure_load() {
  make_images || die 'cannot make the images'
  heading 'images of five layers, 400 MB'
  floor=$(floor_of)
  for image in cold child; do
    budget=$([ $image = cold ] && echo 3 || echo 10)
    for form in layout docker-archive; do
      # podman 4.3 does not take every path of a layout
      case $form in
        layout) place=$images/$image podman_place=$images/$image.oci skopeo_place=oci:$images/$image ;;
        *) place=$images/$image.docker podman_place=$place skopeo_place=docker-archive:$place ;;
      esac
      none=$(timed "$(before ours $image)" $(ours_at ours) --durability none load --quiet --input "$place")
      full=$(timed "$(before ours $image)" $(ours_at ours) load --quiet --input "$place")
      read -r memory _ <"$scratch/memory"
      row "$image, $form, flushed" "$full" 'podman load' "$(timed_runs=2 timed "$(before theirs $image)" $(podman_at theirs) load -q -i "$podman_place")" "$(calc "1 / $budget")"
      row "$image, $form, flushed" "$full" 'skopeo copy' "$(timed_runs=2 timed "$(before theirs $image)" skopeo copy -q "$skopeo_place" "$(skopeo_to theirs)")" "$(calc "1 / $budget")"
      row "$image, $form, flushed" "$full" 'not flushed' "$none" 1.3
      [ $image != cold ] || row "$image, $form, not flushed" "$none" 'the floor' "$floor" 1.3
      limit "$image, $form, memory" "$(calc "$memory / 1024")" MiB 64
    done
  done
  sh -c "$(before ours child)"
  for form in oci-archive docker-archive; do
    ours_save=$(timed "rm -f $disk/out" $(ours_at ours) save --quiet --format $form --output "$disk/out" localhost/bench:1)
    read -r memory _ <"$scratch/memory"
    row "save, $form" "$ours_save" 'podman save' "$(timed_runs=2 timed "rm -f $disk/out" $(podman_at ours) save -q --format $form -o "$disk/out" localhost/bench:1)" 0.25
    limit "save, $form, memory" "$(calc "$memory / 1024")" MiB 64
  done
  rm -f "$disk/out"
}
