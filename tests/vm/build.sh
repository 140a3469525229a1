#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The virtual machine of the live migration tests: Debian's cloud kernel, and an initramfs with busybox, the virtio modules and
# vm_peer. The kernel's package is unpacked, not installed: nothing of it belongs on the machine that runs the tests.
#   build.sh kernel DIR            DIR/vmlinuz and DIR/modules/
#   build.sh initrd DIR VM_PEER    DIR/initrd.gz
set -euo pipefail
here=$(dirname "$(realpath "$0")")
dir=$(realpath -m "$2")
modules="net/core/failover drivers/net/net_failover drivers/net/virtio_net drivers/virtio/virtio drivers/virtio/virtio_ring
    drivers/virtio/virtio_pci drivers/virtio/virtio_pci_modern_dev drivers/virtio/virtio_pci_legacy_dev"
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT

fetch() { # the package that Debian's name for the current cloud kernel stands for
    local package
    package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: *\(linux-image-[0-9][^ ]*\)$/\1/p' | head -1)
    [ -n "$package" ] && apt-get -q -o APT::Sandbox::User=root download "$package"
}

kernel() {
    cd "$temp"
    fetch >&2 || { apt-get update -q >&2 && fetch >&2; } || { echo "vm: no package of a cloud kernel to be had" >&2; exit 1; }
    dpkg -x ./*.deb .
    mkdir -p "$dir/modules"
    for m in $modules; do cp lib/modules/*/kernel/"$m.ko" "$dir/modules/"; done
    cp boot/vmlinuz-* "$dir/vmlinuz"
}

initrd() { # vm_peer, an absolute path
    cd "$temp"
    mkdir bin lib dev proc sys
    cp /bin/busybox "$1" bin/
    cp "$dir"/modules/*.ko lib/
    install -m 0755 "$here/init" init
    find . | LC_ALL=C sort | cpio --quiet --create --format=newc --owner=0:0 | gzip -1n > "$dir/initrd.gz.new"
    mv "$dir/initrd.gz.new" "$dir/initrd.gz"
}

case $1 in
kernel) kernel ;;
initrd) initrd "$(realpath "$3")" ;;
esac
