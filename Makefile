# SPDX-License-Identifier: BSD-3-Clause
# Causeway. `make help` lists the targets; README.md says what they are for.
SHELL := /bin/bash
CC := gcc
CLANG := clang
B := build
Q := $(if $(V),,@)

# Everything that the build, the tests and the demo need, by Debian 12 package name.
DEPS_BUILD := build-essential pkg-config clang llvm bpftool libdpdk-dev libbpf-dev libxdp-dev libnl-3-dev libnl-genl-3-dev \
	libnl-route-3-dev libevent-dev libfyaml-dev libcjson-dev libsystemd-dev linux-libc-dev
DEPS_TEST := check dpdk dpdk-dev git iproute2 iputils-ping ethtool tcpdump tshark iperf3 python3 python3-pytest \
	python3-pytest-xdist python3-scapy python3-yaml frr gobgpd clang-format cppcheck universal-ctags libclang-rt-14-dev \
	qemu-system-x86 busybox-static cpio debhelper debootstrap fakeroot lintian man-db mandoc systemd xz-utils \
	prometheus nftables iptables systemd-container python3-pyflakes
# Only `make bench`: a peer.
DEPS_BENCH := openvswitch-switch-dpdk

PKGS := libdpdk libbpf libxdp libnl-route-3.0 libnl-genl-3.0 libnl-3.0 libevent libfyaml libcjson libsystemd
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wundef -Wvla \
	$(if $(findstring clang,$(CC)),,-Wno-format-truncation)
OPT := -O2 -g
SAN :=
# WERROR= builds with a compiler that warns of more than Debian 12's.
WERROR ?= -Werror
CFLAGS = -std=gnu11 -D_GNU_SOURCE $(OPT) $(SAN) -fno-strict-aliasing -pthread $(WARN) $(WERROR) -I. -I$(B) $(CFLAGS_EXTRA)
# DPDK's and the kernel's headers are not ours to warn about.
SYS_CFLAGS := $(patsubst -I%,-isystem %,$(PKG_CFLAGS))
LDLIBS = $(PKG_LIBS) -lrte_bus_vdev -lrte_net_ring -lm -pthread

CTL_SRC := $(wildcard controlplane/causewayctl.c controlplane/ctl_*.c)
LIB_SRC := $(wildcard conf/*.c dataplane/*.c) $(filter-out %.bpf.c,$(wildcard ebpf/*.c)) \
	$(filter-out controlplane/main.c $(CTL_SRC),$(wildcard controlplane/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o)
# The frame path for newer processors as well; which one runs is decided at start.
ISA := $(if $(filter x86_64,$(shell uname -m)),v3 v4)
LIB_OBJ += $(ISA:%=$(B)/dataplane/burst_%.o)
CTL_OBJ := $(CTL_SRC:%.c=$(B)/%.o)
SKELS := $(patsubst %.bpf.c,$(B)/%.skel.h,$(wildcard ebpf/*.bpf.c tests/bench/*.bpf.c))

UNIT := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_*.c))
FLOW := $(patsubst %.c,$(B)/%,$(wildcard tests/flow/test_*.c))
BPFT := $(patsubst %.c,$(B)/%,$(wildcard tests/bpf/test_*.c))
VM_PEER := $(B)/tests/tools/vm_peer
TOOLS := $(filter-out $(VM_PEER),$(patsubst %.c,$(B)/%,$(filter-out %.bpf.c,$(wildcard tests/tools/*.c))))
TOOLS_BPF := $(patsubst %.bpf.c,$(B)/%.bpf.o,$(wildcard tests/tools/*.bpf.c))
BENCH := $(patsubst %.c,$(B)/%,$(wildcard tests/bench/bench_*.c))
FUZZ := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
# Helpers that several flow tests or benchmarks share.
FLOW_LIB := $(patsubst %.c,$(B)/%.o,$(filter-out tests/flow/test_%,$(wildcard tests/flow/*.c)))
BPF_LIB := $(patsubst %.c,$(B)/%.o,$(filter-out tests/bpf/test_%,$(wildcard tests/bpf/*.c)))
BENCH_LIB := $(patsubst %.c,$(B)/%.o,$(filter-out tests/bench/bench_% %.bpf.c,$(wildcard tests/bench/*.c)))

FUZZ_SECONDS ?= 10
# How many times the live migration test goes there and back.
MIGRATIONS ?= 1

.DEFAULT_GOAL := all
.PHONY: all help deps fuzz-build check check-run demo demo-run lint asan fuzz fuzz-run bench bench-run profile install deb clean \
	tests unit flow bpf e2e vm fuzz-replay force
.DELETE_ON_ERROR:
.SECONDARY:

all: $(B)/causewayd $(B)/causewayctl

help:
	@echo "all      build/causewayd and build/causewayctl (default)"
	@echo "deps     install what everything below needs (apt-get; safe to repeat; root)"
	@echo "demo     deps, build, two sites on this machine, a report (root; KEEP=1 leaves it running)"
	@echo "check    deps, build, lint, and all tests (root)"
	@echo "unit flow bpf e2e fuzz-replay   one group of tests each, after a build"
	@echo "asan     unit and flow tests under ASan and UBSan"
	@echo "fuzz     each fuzz target for FUZZ_SECONDS (10) under ASan"
	@echo "bench    measure (root)"
	@echo "profile  where the cycles of a frame go (root)"
	@echo "lint     format, warnings, static analysis, include arrows, sizes"
	@echo "clean    remove build/"
	@echo "install  to DESTDIR and PREFIX (/usr/local)"
	@echo "deb      build/deb/causeway_VERSION_ARCH.deb, a Debian package"

# ---- what a bare machine needs

deps:
	$(Q)missing=; for p in $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_MORE); do \
	    dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
	    [ "$$(id -u)" = 0 ] || { echo "make deps: root needed to install:$$missing" >&2; exit 1; }; \
	    echo "deps: installing$$missing"; \
	    export DEBIAN_FRONTEND=noninteractive; \
	    : "no daemon that comes along (frr, gobgpd, prometheus, openvswitch) is to start by itself"; \
	    policy=/usr/sbin/policy-rc.d; [ ! -e $$policy ] || policy=; \
	    [ -z "$$policy" ] || { printf '#!/bin/sh\nexit 101\n' > $$policy && chmod +x $$policy; trap 'rm -f '$$policy EXIT; }; \
	    apt-get update -q && apt-get install -y -q --no-install-recommends $$missing; \
	else echo "deps: nothing missing"; fi

# ---- build

# What --version says. A tree that is no repository (a tarball, even inside of another repository) is "unknown",
# unless who builds it knows better: make BUILD_ID=...
BUILD_ID ?= $(shell test -e .git && git describe --tags --always --dirty --abbrev=12 2>/dev/null || echo unknown)
$(B)/conf/build_id.h: force
	@mkdir -p $(@D)
	@echo '#define CAUSEWAY_BUILD "$(BUILD_ID)"' > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
$(B)/conf/version.o: $(B)/conf/build_id.h

$(B)/%.o: %.c | $(SKELS)
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(CFLAGS) $(SYS_CFLAGS) -MMD -MP -c $< -o $@

$(ISA:%=$(B)/dataplane/burst_%.o): $(B)/dataplane/burst_%.o: dataplane/burst.c
	@mkdir -p $(@D)
	@echo "  CC    $< (x86-64-$*)"
	$(Q)$(CC) $(CFLAGS) $(SYS_CFLAGS) -march=x86-64-$* -DBURST_NAME=burst_$* -DBURST_ISA='"x86-64-$*"' -MMD -MP -c $< -o $@

$(B)/%.bpf.o: %.bpf.c
	@mkdir -p $(@D)
	@echo "  BPF   $<"
	$(Q)$(CLANG) -target bpf -O2 -g -Wall -Wextra -Werror -mcpu=v3 -I. -isystem /usr/include/$(shell uname -m)-linux-gnu \
	    -MMD -MP -c $< -o $@

$(B)/%.skel.h: $(B)/%.bpf.o
	$(Q)PATH=$$PATH:/usr/sbin bpftool gen skeleton $< name $(subst -,_,$(notdir $*)) > $@

$(B)/libcauseway.a: $(LIB_OBJ)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/causewayd: $(B)/controlplane/main.o $(B)/libcauseway.a
	@echo "  LD    $@"
	$(Q)$(CC) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/causewayctl: $(CTL_OBJ) $(B)/libcauseway.a
	@echo "  LD    $@"
	$(Q)$(CC) $(SAN) $(LDFLAGS) -o $@ $^ -lcjson -lfyaml -lbpf -lnl-genl-3 -lnl-3

CHECK_LIBS = $(shell pkg-config --libs check)

$(UNIT): $(B)/tests/%: $(B)/tests/%.o $(B)/libcauseway.a
	$(Q)$(CC) $(SAN) -o $@ $^ $(CHECK_LIBS) $(LDLIBS)

$(BPFT): $(B)/tests/bpf/%: $(B)/tests/bpf/%.o $(BPF_LIB) $(FLOW_LIB) $(B)/libcauseway.a
	$(Q)$(CC) $(SAN) -o $@ $^ $(CHECK_LIBS) $(LDLIBS)

$(FLOW): $(B)/tests/flow/%: $(B)/tests/flow/%.o $(FLOW_LIB) $(B)/libcauseway.a
	$(Q)$(CC) $(SAN) -o $@ $^ $(CHECK_LIBS) $(LDLIBS)

$(BENCH): $(B)/tests/bench/%: $(B)/tests/bench/%.o $(BENCH_LIB) $(BPF_LIB) $(FLOW_LIB) $(B)/libcauseway.a
	$(Q)$(CC) $(SAN) -o $@ $^ $(CHECK_LIBS) $(LDLIBS)

$(TOOLS): $(B)/tests/tools/%: tests/tools/%.c $(B)/libcauseway.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ -pthread

# It runs in a virtual machine that has nothing else, and on hosts.
$(VM_PEER): tests/tools/vm_peer.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -static -o $@ $<

# What the live migration tests boot; the kernel's package is fetched once and unpacked here.
$(B)/vm/vmlinuz: tests/vm/build.sh
	@echo "  VM    $@"
	$(Q)tests/vm/build.sh kernel $(@D)
$(B)/vm/initrd.gz: tests/vm/init $(B)/vm/vmlinuz $(VM_PEER)
	@echo "  VM    $@"
	$(Q)tests/vm/build.sh initrd $(@D) $(VM_PEER)
vm: $(B)/vm/initrd.gz

tests: all $(UNIT) $(FLOW) $(BPFT) $(TOOLS) $(TOOLS_BPF) $(VM_PEER)

-include $(shell find $(B) -path $(B)/deb -prune -o -name '*.d' -type f -print 2>/dev/null)

# ---- tests: each group alone, and all of them

unit: $(UNIT)
	@tests/run-c.sh $^
flow: $(FLOW)
	@tests/run-c.sh $^
bpf: $(BPFT)
	@tests/run-c.sh $^
e2e: all $(TOOLS) $(TOOLS_BPF) $(B)/tests/bpf/test_fp_cases $(B)/tests/bpf/test_fp_look vm
	@CAUSEWAY_BUILD=$(abspath $(B)) CAUSEWAY_MIGRATIONS=$(MIGRATIONS) tests/e2e/run.sh $(PYTEST)

asan:
	@$(MAKE) --no-print-directory B=$(B)/asan OPT="-O1 -g1" SAN="-fsanitize=address,undefined -fno-sanitize-recover=all" unit flow

# libFuzzer targets: everything compiled by clang with coverage, ASan and UBSan.
FUZZ_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all
fuzz-build:
	@$(MAKE) --no-print-directory B=$(B)/fuzz CC=$(CLANG) OPT="-O1 -g" \
	    SAN="$(FUZZ_FLAGS) -fsanitize=fuzzer-no-link" $(FUZZ:%=$(B)/fuzz/fuzz_%)
$(B)/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(FLOW_LIB) $(B)/libcauseway.a
	$(Q)$(CC) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ $(CHECK_LIBS) $(LDLIBS)

fuzz: fuzz-build
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run.sh $(B)/fuzz $(FUZZ)
fuzz-replay: fuzz-build
	@FUZZ_SECONDS=0 tests/fuzz/run.sh $(B)/fuzz $(FUZZ)

lint: tests
	@tests/lint.sh

# The second make starts when the packages, and so pkg-config's answers, are there.
check: deps
	@$(MAKE) --no-print-directory check-run
check-run:
	@tests/check.sh

demo: deps
	@$(MAKE) --no-print-directory demo-run
demo-run: all $(TOOLS) $(TOOLS_BPF) vm
	@/usr/bin/python3 tests/e2e/demo.py $(if $(KEEP),--keep)

bench: DEPS_MORE = $(DEPS_BENCH)
bench: deps
	@$(MAKE) --no-print-directory bench-run
bench-run: all $(BENCH) $(TOOLS) $(TOOLS_BPF) vm
	@/usr/bin/python3 tests/bench/bench.py $(BENCH_ARGS)

# Where the cycles of a frame go: a build of its own, with marks in the frame path.
profile:
	@$(MAKE) --no-print-directory B=$(B)/profile CFLAGS_EXTRA=-DDATAPLANE_PROFILE \
	  $(B)/profile/tests/bench/bench_dp $(B)/profile/tests/bench/bench_calm
	@BENCH_PROGRAMS=$(abspath $(B))/profile/tests/bench /usr/bin/python3 tests/bench/bench.py --group profile $(BENCH_ARGS)

PREFIX ?= /usr/local
# Of a distribution's package it is /lib/systemd/system.
UNITDIR ?= $(PREFIX)/lib/systemd/system
DOCDIR := $(PREFIX)/share/doc/causeway
INSTALL := install -m 0644
install: all
	install -D -m 0755 $(B)/causewayd $(DESTDIR)$(PREFIX)/sbin/causewayd
	install -D -m 0755 $(B)/causewayctl $(DESTDIR)$(PREFIX)/bin/causewayctl
	install -D -m 0755 conf/hooks/causeway-move $(DESTDIR)$(PREFIX)/share/causeway/causeway-move
	install -d $(DESTDIR)$(DOCDIR)/examples $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man8
	$(INSTALL) conf/*.yaml conf/hooks/hook.conf conf/prometheus/causeway.rules.yaml conf/grafana/causeway.json \
	    $(DESTDIR)$(DOCDIR)/examples/
	$(INSTALL) README.md LICENSE $(DESTDIR)$(DOCDIR)/
	$(INSTALL) conf/man/*.5 $(DESTDIR)$(PREFIX)/share/man/man5/
	$(INSTALL) conf/man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	$(INSTALL) -D conf/completion/causewayctl $(DESTDIR)$(PREFIX)/share/bash-completion/completions/causewayctl
	$(INSTALL) -D conf/systemd/causeway.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/causeway.conf
	$(INSTALL) -D conf/systemd/causeway.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/causeway.conf
	install -d $(DESTDIR)$(UNITDIR)
	sed 's|/usr/sbin/|$(PREFIX)/sbin/|' conf/systemd/causewayd.service > $(DESTDIR)$(UNITDIR)/causewayd.service
	chmod 0644 $(DESTDIR)$(UNITDIR)/causewayd.service

# In a copy of the tree, where conf/debian/ is debian/. Its objects stay in build/deb/objects, so that a second time is quick.
# DEB_VERSION= makes another version of it, DEB_OBJECTS= takes what is built already, as the test of the package does.
DEB_OBJECTS ?= $(abspath $(B))/deb/objects
DEB_VERSION ?= $(shell sed -n 's/^causeway (\(.*\)).*/\1/p;q' conf/debian/changelog)
deb:
	rm -rf $(B)/deb/tree $(B)/deb/causeway* && mkdir -p $(B)/deb/tree
	{ git ls-files 2>/dev/null || find . -path ./build -prune -o -type f -print; } | tar -c -T - | tar -x -C $(B)/deb/tree
	cp -a $(B)/deb/tree/conf/debian $(B)/deb/tree/debian
	sed -i '1s/(.*)/($(DEB_VERSION))/' $(B)/deb/tree/debian/changelog
	cd $(B)/deb/tree && env -u MAKEFLAGS -u MAKELEVEL OBJECTS=$(DEB_OBJECTS) BUILD_ID=$(BUILD_ID) \
	    DEB_BUILD_OPTIONS="parallel=$$(nproc) $$DEB_BUILD_OPTIONS" dpkg-buildpackage -b -uc -us
	rm -rf $(B)/deb/tree

clean:
	rm -rf $(B)
