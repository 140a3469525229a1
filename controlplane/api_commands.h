/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The commands of the API: one line each. A new command is one line here and one function cmd_<id>() in
 * cmd_*.c (cmd.h declares them all from this list). causewayctl's help, option parsing and -j follow from the
 * same line, and it prints results that it has no view for as "path value" lines.
 */
#ifndef CONTROLPLANE_API_COMMANDS_H
#define CONTROLPLANE_API_COMMANDS_H

enum api_arg_type {
    API_ARG_TEXT,    /* a name: 1 to 63 bytes */
    API_ARG_MAC,     /* "xx:xx:xx:xx:xx:xx" */
    API_ARG_ADDRESS, /* IPv4 or IPv6 */
    API_ARG_NUMBER,  /* whole, 0..2^32-1 */
    API_ARG_FLAG,    /* true or false */
};

/* id, name on the wire (and, with "--" before it, on the command line), type, what stands for the value,
 * help. Without a help text it is the protocol's own business, and no option of causewayctl. */
#define API_ARGS(X)                                                                                          \
    X(NETWORK, "network", API_ARG_TEXT, "NAME", "only this network")                                         \
    X(MAC, "mac", API_ARG_MAC, "MAC", "only this MAC address")                                               \
    X(VTEP, "vtep", API_ARG_ADDRESS, "ADDRESS", "only this VTEP")                                            \
    X(ALL, "all", API_ARG_FLAG, "", "also those that are zero")                                              \
    X(AFTER, "after", API_ARG_NUMBER, "N", "")

enum api_arg_id {
#define X(id, name, type, value, help) API_ARG_ID_##id,
    API_ARGS(X)
#undef X
        API_ARG_IDS
};

/* A set of arguments: what a command takes. */
#define API_TAKES(id) (1u << API_ARG_ID_##id)

/* id, name, arguments, help. A command that takes AFTER is paged: while its result has "next", asking again
 * with that as "after" gives the rest; arrays of the pages are to be joined. */
#define API_COMMANDS(X)                                                                                      \
    X(show_status, "show status", 0, "the gateway at a glance")                                              \
    X(show_ports, "show ports", 0, "access and underlay ports and their traffic")                            \
    X(show_networks, "show networks", API_TAKES(NETWORK) | API_TAKES(AFTER),                                 \
      "networks, their settings and their traffic")                                                          \
    X(show_macs, "show macs", API_TAKES(NETWORK) | API_TAKES(MAC) | API_TAKES(AFTER),                        \
      "the MAC table: where every MAC address is")                                                           \
    X(show_vteps, "show vteps", API_TAKES(VTEP) | API_TAKES(AFTER), "remote VTEPs and the way to each")      \
    X(show_drops, "show drops", API_TAKES(ALL), "frames dropped, by reason")                                 \
    X(show_counters, "show counters", API_TAKES(AFTER), "every counter, raw")                                \
    X(show_config, "show config", API_TAKES(AFTER), "the effective configuration, as YAML")                  \
    X(clear_macs, "clear macs", API_TAKES(NETWORK) | API_TAKES(MAC),                                         \
      "forget learned MAC addresses: all, of one network, or one")

#endif
