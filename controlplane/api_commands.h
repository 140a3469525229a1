/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The commands of the API: one line each. A new command is one line here and one function cmd_<id>() in
 * cmd_*.c (cmd.h declares them all from this list). causewayctl's help, option parsing and -j follow from the
 * same line, and it prints results that it has no view for as "path value" lines.
 */
#ifndef CONTROLPLANE_API_COMMANDS_H
#define CONTROLPLANE_API_COMMANDS_H

#include "conf/conf.h"

enum api_arg_type {
    API_ARG_TEXT,    /* a name: 1 to 63 bytes */
    API_ARG_BYTES,   /* in hexadecimal: 1 to API_BYTES_MAX bytes; colons, spaces and dots between them are
                        skipped */
    API_ARG_PATH,    /* a file of causewayctl's; the daemon takes none */
    API_ARG_MAC,     /* "xx:xx:xx:xx:xx:xx" */
    API_ARG_ADDRESS, /* IPv4 or IPv6 */
    API_ARG_NUMBER,  /* whole, 0..2^32-1 */
    API_ARG_SECONDS, /* a number of seconds; as text also "60s", "5m", "1h" */
    API_ARG_FLAG,    /* true or false */
    API_ARG_CONFIG, /* a whole configuration, API_CONFIG_MAX bytes at most; for causewayctl the file's name */
};

/* id, name on the wire (and, with "--" before it, on the command line), type, what stands for the value,
 * help. Without a help text it is the protocol's own business, and no option of causewayctl. */
#define API_ARGS(X)                                                                                          \
    X(NETWORK, "network", API_ARG_TEXT, "NAME", "only this network")                                         \
    X(MAC, "mac", API_ARG_MAC, "MAC", "only this MAC address")                                               \
    X(VTEP, "vtep", API_ARG_ADDRESS, "ADDRESS", "only this VTEP")                                            \
    X(ALL, "all", API_ARG_FLAG, "", "all of them")                                                           \
    X(AFTER, "after", API_ARG_NUMBER, "N", "")                                                               \
    X(PEER, "peer", API_ARG_TEXT, "PEER", "only this BGP peer: its address, or its name")                    \
    X(TYPE, "type", API_ARG_NUMBER, "2|3", "only routes of this type")                                       \
    X(DUPLICATES, "duplicates", API_ARG_FLAG, "", "only those that are frozen as duplicates")                \
    X(SOFT, "soft", API_ARG_FLAG, "", "keep the session: send and ask for all routes again")                 \
    X(REASON, "reason", API_ARG_TEXT, "REASON", "what the peer is told; of drops: only this reason")         \
    X(SITE, "site", API_ARG_TEXT, "SITE", "this site, by its name or the address of a VTEP")                 \
    X(CURSOR, "cursor", API_ARG_TEXT, "C", "")                                                               \
    X(IP, "ip", API_ARG_ADDRESS, "ADDRESS", "only this IP address of a host")                                \
    X(TO, "to", API_ARG_TEXT, "SITE", "the other site, by its name or the address of a VTEP")                \
    X(TIMEOUT, "timeout", API_ARG_SECONDS, "SECONDS", "how long to wait for it (60; at most 3600)")          \
    X(LAST, "last", API_ARG_NUMBER, "N", "at most that many, the newest (50)")                               \
    X(PREPARED, "prepared", API_ARG_FLAG, "", "those that are prepared and did not happen yet")              \
    X(LEVEL, "level", API_ARG_TEXT, "LEVEL", "debug, info, warning or error")                                \
    X(GATEWAY, "gateway", API_ARG_TEXT, "NAME", "of a gateway that does not run, by its name")               \
    X(DIR, "dir", API_ARG_TEXT, "DIR", "where that one pins (" CONF_FASTPATH_DIR ")")                        \
    X(CONFIG, "config", API_ARG_PATH, "FILE", "of a gateway that does not run: its configuration")           \
    X(PORT, "port", API_ARG_TEXT, "PORT", "this port, by its name (show ports)")                             \
    X(FRAME, "frame", API_ARG_BYTES, "HEX",                                                                  \
      "its first bytes: as the port gets it, or from a VTEP the inner one")                                  \
    X(SRC, "src", API_ARG_MAC, "MAC", "its source MAC address")                                              \
    X(DST, "dst", API_ARG_MAC, "MAC", "its destination MAC address")                                         \
    X(ETHERTYPE, "ethertype", API_ARG_TEXT, "TYPE", "its EtherType, as in 0x0800 (that one)")                \
    X(LENGTH, "length", API_ARG_NUMBER, "BYTES", "its length without FCS (60, or what --frame has)")         \
    X(DROPS, "drops", API_ARG_FLAG, "", "what is dropped, not what comes and goes")                          \
    X(COUNT, "count", API_ARG_NUMBER, "N", "end after that many frames")                                     \
    X(SECONDS, "seconds", API_ARG_SECONDS, "SECONDS", "end after that time")                                 \
    X(SNAP, "snap", API_ARG_NUMBER, "BYTES", "of each frame at most that many (256; at most 2048)")          \
    X(WRITE, "write", API_ARG_PATH, "FILE", "where to (-w FILE); -: standard output")                        \
    X(YAML, "yaml", API_ARG_CONFIG, "FILE", "a configuration file, read and checked here")

enum api_arg_id {
#define X(id, name, type, value, help) API_ARG_ID_##id,
    API_ARGS(X)
#undef X
        API_ARG_IDS
};

/* A set of arguments: what a command takes. */
#define API_TAKES(id) (UINT64_C(1) << API_ARG_ID_##id)

/* id, name, arguments, those of them that causewayctl takes as bare words too ("clear bgp 198.18.0.2 soft": a
 * flag by its name, else the first that has no value yet), help. A command that takes AFTER or CURSOR is
 * paged: while its result has "next" (a number that grows; for CURSOR a string of constant length that
 * grows), asking again with that as the argument gives the rest; arrays of the pages are to be joined. */
#define API_COMMANDS(X)                                                                                      \
    X(show_status, "show status", 0, 0, "the gateway at a glance")                                           \
    X(show_ports, "show ports", 0, 0, "access and underlay ports and their traffic")                         \
    X(show_networks, "show networks", API_TAKES(NETWORK) | API_TAKES(AFTER), 0,                              \
      "networks, their settings and their traffic")                                                          \
    X(show_macs, "show macs",                                                                                \
      API_TAKES(NETWORK) | API_TAKES(MAC) | API_TAKES(DUPLICATES) | API_TAKES(AFTER), 0,                     \
      "the MAC table: where every MAC address is")                                                           \
    X(show_neighbors, "show neighbors",                                                                      \
      API_TAKES(NETWORK) | API_TAKES(MAC) | API_TAKES(IP) | API_TAKES(DUPLICATES) | API_TAKES(AFTER), 0,     \
      "the MAC of every IP address, and what the proxy answers (ARP, ND)")                                   \
    X(show_vteps, "show vteps", API_TAKES(VTEP) | API_TAKES(AFTER), 0, "remote VTEPs and the way to each")   \
    X(show_bgp, "show bgp", 0, 0, "BGP at a glance: peers by state, routes, memory")                         \
    X(show_bgp_peers, "show bgp peers", API_TAKES(PEER) | API_TAKES(AFTER), API_TAKES(PEER),                 \
      "BGP peers and their sessions; one in detail")                                                         \
    X(show_routes, "show routes",                                                                            \
      API_TAKES(TYPE) | API_TAKES(MAC) | API_TAKES(NETWORK) | API_TAKES(PEER) | API_TAKES(CURSOR), 0,        \
      "EVPN routes, received and our own, with all attributes")                                              \
    X(show_announcements, "show announcements", API_TAKES(NETWORK) | API_TAKES(AFTER), 0,                    \
      "announcements of MACs that moved: frames sent, held back by the limit, waiting")                      \
    X(show_moves, "show moves",                                                                              \
      API_TAKES(MAC) | API_TAKES(NETWORK) | API_TAKES(LAST) | API_TAKES(ALL) | API_TAKES(PREPARED) |         \
          API_TAKES(CURSOR),                                                                                 \
      0, "the journal of moves: from where to where, how long it was dark, and why")                         \
    X(show_site, "show site", API_TAKES(SITE) | API_TAKES(NETWORK) | API_TAKES(AFTER), API_TAKES(SITE),      \
      "what is still at a site: MAC addresses, IPs, when last seen; ours without SITE")                      \
    X(move_rehearse, "move rehearse", API_TAKES(NETWORK) | API_TAKES(TO), 0,                                 \
      "let a synthetic MAC move to another site and back: how long dark, what came through")                 \
    X(show_rehearsal, "show rehearsal", 0, 0, "the rehearsal under way, or the last one")                    \
    X(show_fastpath, "show fastpath", 0, 0,                                                                  \
      "the fast path: programs, what they carried, and what they gave to the worker")                        \
    X(fastpath_detach, "fastpath detach", API_TAKES(GATEWAY) | API_TAKES(DIR), 0,                            \
      "give all frames to the worker; --gateway: take away what a dead gateway left pinned")                 \
    X(show_drops, "show drops", API_TAKES(ALL), 0, "frames dropped, by reason; --all: those of zero too")    \
    X(show_counters, "show counters", API_TAKES(AFTER), 0, "every counter, raw")                             \
    X(show_config, "show config", API_TAKES(AFTER), 0,                                                       \
      "the effective configuration, as YAML, passwords hidden")                                              \
    X(diff, "diff", API_TAKES(YAML), API_TAKES(YAML),                                                        \
      "what a reload would change if the daemon's file were this one, and what needs a restart")             \
    X(reload, "reload", 0, 0,                                                                                \
      "read the daemon's configuration file again, check it, and apply what changed")                        \
    X(announce, "announce", API_TAKES(MAC) | API_TAKES(NETWORK), API_TAKES(MAC),                             \
      "announce a MAC at the access ports, as after a move: GARP, NA, RARP")                                 \
    X(move_prepare, "move prepare",                                                                          \
      API_TAKES(MAC) | API_TAKES(NETWORK) | API_TAKES(TO) | API_TAKES(TIMEOUT), 0,                           \
      "a MAC is about to move to a site: until it is there, frames for it go to both places")                \
    X(move_commit, "move commit", API_TAKES(MAC) | API_TAKES(NETWORK), 0,                                    \
      "it is there now (its first frame says so by itself)")                                                 \
    X(move_cancel, "move cancel", API_TAKES(MAC) | API_TAKES(NETWORK) | API_TAKES(TO), 0,                    \
      "it does not move after all; --to: if it was to move there")                                           \
    X(watch, "watch", 0, 0, "what happens, as it happens: moves, alerts, peers, VTEPs")                      \
    X(clear_macs, "clear macs", API_TAKES(NETWORK) | API_TAKES(MAC), 0,                                      \
      "forget learned MAC addresses: all, of one network, or one")                                           \
    X(clear_bgp, "clear bgp", API_TAKES(PEER) | API_TAKES(ALL) | API_TAKES(SOFT) | API_TAKES(REASON),        \
      API_TAKES(PEER) | API_TAKES(ALL) | API_TAKES(SOFT), "reset the session with a BGP peer, or with all")  \
    X(clear_duplicate, "clear duplicate",                                                                    \
      API_TAKES(MAC) | API_TAKES(IP) | API_TAKES(NETWORK) | API_TAKES(ALL), API_TAKES(MAC) | API_TAKES(ALL), \
      "unfreeze a MAC that was taken for a duplicate, an IP address, or all")                                \
    X(doctor, "doctor", API_TAKES(CONFIG), 0,                                                                \
      "look for what is wrong here, at the gateway and on the way to others, and say what to do")            \
    X(trace, "trace",                                                                                        \
      API_TAKES(NETWORK) | API_TAKES(PORT) | API_TAKES(VTEP) | API_TAKES(FRAME) | API_TAKES(SRC) |           \
          API_TAKES(DST) | API_TAKES(ETHERTYPE) | API_TAKES(LENGTH),                                         \
      0, "what would happen to a frame from a port or a VTEP now, step by step; nothing is sent")            \
    X(capture, "capture",                                                                                    \
      API_TAKES(NETWORK) | API_TAKES(PORT) | API_TAKES(MAC) | API_TAKES(DROPS) | API_TAKES(REASON) |         \
          API_TAKES(COUNT) | API_TAKES(SECONDS) | API_TAKES(SNAP) | API_TAKES(WRITE),                        \
      API_TAKES(REASON), "write frames of a port, a network or a MAC, or what is dropped, as pcapng")        \
    X(log_level, "log level", API_TAKES(LEVEL), API_TAKES(LEVEL),                                            \
      "how much is logged: shown, or changed until the next restart")

#endif
