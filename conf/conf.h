/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The configuration of one gateway, as C structs: what an operator wrote, with every default filled in.
 *
 *   conf_load()   YAML file -> struct conf, all mistakes at once as "FILE:LINE:COL: what is wrong, what would
 * be right" conf_print()  struct conf -> YAML that loads to the same struct
 *
 * A struct conf is immutable once loaded. Control thread only; nothing here touches the network or the host.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "conf/types.h"

#include <stdio.h>

#define CONF_NAME_LEN     32   /* names of sites, gateways, ports and networks, end included */
#define CONF_PATH_LEN     108  /* sun_path of a UNIX socket, end included */
#define CONF_DEVARGS_LEN  512  /* a DPDK vdev with its arguments, end included */
#define CONF_MAX_ACCESS   14   /* access ports of one gateway */
#define CONF_MAX_NETWORKS 4094 /* one per VLAN */
#define CONF_MAX_VTEPS    1023 /* distinct remote VTEPs of one gateway */
#define CONF_VLAN_NONE    0    /* network.vlan: untagged on the site's trunks */
#define CONF_DSCP_INHERIT 0xff /* network.dscp: copied from the inner packet (R1.8) */
#define CONF_NO_LIMIT     UINT32_MAX
#define CONF_API_SOCKET   "/run/causeway/api.sock"

enum conf_port_kind {
    CONF_PORT_INTERFACE, /* kernel-owned, AF_XDP; device is the interface name */
    CONF_PORT_PCI,       /* device is the PCI address */
    CONF_PORT_DPDK,      /* device is a vdev with arguments: "net_pcap0,rx_pcap=..." */
};

struct conf_port {
    enum conf_port_kind kind;
    char device[CONF_DEVARGS_LEN];
};

struct conf_route {
    struct ipprefix to;
    struct ipaddr via;
};

struct conf_underlay {
    struct ipaddr address; /* our VTEP */
    uint8_t prefix_len;    /* with pci/dpdk required (the TAP carries the address); 0xff: not given */
    struct conf_port port;
    char tap[IFACE_NAMELEN];   /* pci/dpdk: name of the TAP; default "cw-wan" */
    uint16_t mtu;              /* IP MTU of the WAN; 0: what the port has */
    uint16_t vxlan_port;       /* R1.1 */
    uint8_t ttl;               /* R1.8 */
    bool udp6_zero_csum_tx;    /* R1.3: IPv6: send checksum 0 */
    bool udp6_zero_csum_rx;    /* R1.3: IPv6: accept checksum 0 */
    struct conf_route *routes; /* pci/dpdk: installed on the TAP */
    size_t n_routes;
};

struct conf_access {
    char name[CONF_NAME_LEN];
    struct conf_port port;
    uint16_t mtu;                 /* largest IP packet; 0: what the port has */
    uint32_t mac_limit;           /* R8.4; CONF_NO_LIMIT: none */
    char untagged[CONF_NAME_LEN]; /* network of untagged frames, "" = the network with vlan: untagged, if any
                                   */
    char (*networks)[CONF_NAME_LEN]; /* networks carried; n_networks 0: all, or, with untagged set, that one
                                        only */
    size_t n_networks;
};

struct conf_static_mac {
    struct mac mac;
    char port[CONF_NAME_LEN]; /* an access port, or "" and then: */
    struct ipaddr vtep;
};

struct conf_peer {
    struct ipaddr address;
    bool learning; /* R1.10: learn MACs from this VTEP's frames */
};

struct conf_network {
    char name[CONF_NAME_LEN];
    uint16_t vlan;          /* 1..4094, or CONF_VLAN_NONE */
    uint32_t vni;           /* 1..VNI_MAX */
    uint16_t mtu;           /* largest IP packet of the VLAN; 0: not given */
    bool qinq;              /* R1.6: inner frames may carry a tag */
    uint8_t dscp;           /* 0..63 or CONF_DSCP_INHERIT */
    bool flood_unknown;     /* R8.2 */
    struct mac *flood_macs; /* R8.2 exceptions */
    size_t n_flood_macs;
    uint32_t limit_broadcast; /* R8.3: frames/s per access port, or CONF_NO_LIMIT */
    uint32_t limit_multicast;
    uint32_t limit_unknown_unicast;
    uint32_t mac_limit; /* R8.4: or CONF_NO_LIMIT */
    uint32_t ageing;    /* seconds; 0: never */
    struct conf_static_mac *static_macs;
    size_t n_static_macs;
    struct conf_peer *peers; /* static VTEPs */
    size_t n_peers;
};

enum conf_hugepages { CONF_HUGEPAGES_AUTO, CONF_HUGEPAGES_ON, CONF_HUGEPAGES_OFF };

struct conf_dataplane {
    uint32_t max_macs; /* 1,024..1,048,576 */
    int cpu;           /* of the worker; -1: any */
    bool busy_poll;    /* poll: busy | adaptive */
    enum conf_hugepages hugepages;
};

/* Parsed and checked so that one file serves now and later; nothing acts on them yet. */
struct conf_bgp {
    uint32_t asn; /* 0: no bgp section */
    struct ipaddr *peers;
    size_t n_peers;
};

struct conf {
    char site[CONF_NAME_LEN];
    char gateway[CONF_NAME_LEN];
    struct conf_underlay underlay;
    struct conf_access *access;
    size_t n_access;
    struct conf_network *networks;
    size_t n_networks;
    struct conf_dataplane dataplane;
    char api_socket[CONF_PATH_LEN];
    struct conf_bgp bgp;
    struct ipaddr metrics_address; /* family 0: no metrics section */
    uint16_t metrics_port;
};

/* Mistakes found in a file, in line order, each a complete line of text without newline. */
struct conf_errors {
    char **text;
    size_t n;
};

/* Reads and checks FILE. Returns NULL when there is at least one mistake; errors is then not empty. Both
 * results are the caller's: conf_free(), conf_errors_free(). */
struct conf *conf_load(const char *path, struct conf_errors *errors);
/* The same from memory; name is what stands for FILE in the messages. */
struct conf *conf_load_string(const char *name, const char *yaml, size_t len, struct conf_errors *errors);
void conf_free(struct conf *c);
void conf_errors_free(struct conf_errors *errors);

/* Writes the complete effective configuration as YAML. */
void conf_print(const struct conf *c, FILE *out);

const struct conf_network *conf_network_find(const struct conf *c, const char *name);
/* True when access port a carries network n (see conf_access); *vlan is then its tag there, 0 = untagged. */
bool conf_access_carries(const struct conf_access *a, const struct conf_network *n, uint16_t *vlan);
/* Bytes that VXLAN adds between an inner packet's IP MTU and the WAN's: 50 over IPv4, 70 over IPv6 (R1.7). */
unsigned conf_overhead(const struct conf *c);

#endif
