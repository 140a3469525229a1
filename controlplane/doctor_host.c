/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See doctor_host.h. Interfaces are asked by ioctl(), not by /sys: that shows those of the network namespace
 * in which it was mounted. One thread, blocking.
 */
#include "controlplane/doctor_host.h"

#include "ebpf/ifreq.h"

#include <inttypes.h>
#include <linux/ethtool.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#define RULES_MAX    (1u << 20)
#define MAX_STRINGS  512u
#define CAP_LOCK_BIT 14 /* CAP_IPC_LOCK: the limit does not count */

/* ---- interfaces */

/* Which string it is; -1: there is none of that name. */
static int string_index(const struct ethtool_gstrings *s, const char *name)
{
    for (uint32_t i = 0; s && i < s->len; i++)
        if (strncmp((const char *)s->data + (size_t)i * ETH_GSTRING_LEN, name, ETH_GSTRING_LEN) == 0)
            return (int)i;
    return -1;
}

struct features {
    struct ethtool_gstrings *names;
    struct ethtool_gfeatures *values;
};

static void features_free(struct features *f)
{
    free(f->names);
    free(f->values);
}

static struct features features_read(const char *ifname)
{
    struct features f = {.names = ifreq_strings(ifname, ETH_SS_FEATURES, MAX_STRINGS)};
    uint32_t blocks = f.names ? (f.names->len + 31) / 32 : 0;

    if (!f.names)
        return f;
    f.values = calloc(1, sizeof(*f.values) + blocks * sizeof(f.values->features[0]));
    if (!f.values)
        return f;
    f.values->cmd = ETHTOOL_GFEATURES;
    f.values->size = blocks;
    if (ifreq_ethtool(ifname, f.values) != 0 || f.values->size < blocks) {
        free(f.values);
        f.values = NULL;
    }
    return f;
}

static enum doctor_tri feature(const struct features *f, const char *name)
{
    int i = f->values ? string_index(f->names, name) : -1;

    if (i < 0)
        return DOCTOR_UNKNOWN;
    return f->values->features[i / 32].active & 1u << i % 32 ? DOCTOR_YES : DOCTOR_NO;
}

static enum doctor_tri either(enum doctor_tri a, enum doctor_tri b)
{
    return a == DOCTOR_YES || b == DOCTOR_YES ? DOCTOR_YES : a == DOCTOR_UNKNOWN ? b : a;
}

static enum doctor_tri checksum_of(const char *ifname)
{
    struct features f = features_read(ifname);
    enum doctor_tri t = either(feature(&f, "tx-checksum-ip-generic"), feature(&f, "tx-checksum-ipv4"));

    features_free(&f);
    return t;
}

static void read_driver(const char *ifname, char *driver, size_t len)
{
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};

    if (ifreq_ethtool(ifname, &info) == 0)
        snprintf(driver, len, "%.*s", (int)sizeof(info.driver) - 1, info.driver);
}

/* The other end of a veth, as an index in whatever namespace it is; 0: not known. */
static unsigned veth_peer(const char *ifname)
{
    struct ethtool_gstrings *names = ifreq_strings(ifname, ETH_SS_STATS, MAX_STRINGS);
    int i = string_index(names, "peer_ifindex");
    struct ethtool_stats *stats = NULL;
    unsigned peer = 0;

    if (i >= 0)
        stats = calloc(1, sizeof(*stats) + names->len * sizeof(stats->data[0]));
    if (stats) {
        stats->cmd = ETHTOOL_GSTATS;
        stats->n_stats = names->len;
        if (ifreq_ethtool(ifname, stats) == 0 && (uint32_t)i < stats->n_stats)
            peer = (unsigned)stats->data[i];
    }
    free(stats);
    free(names);
    return peer;
}

/* Whose checksums are left unfinished: those of who is at the other end. Of a tap that is the guest's
 * business. */
static void read_checksum(struct doctor_port *p)
{
    char peer[IF_NAMESIZE], driver[32] = "";

    if (strcmp(p->driver, "veth") == 0 && if_indextoname(veth_peer(p->interface), peer)) {
        read_driver(peer, driver, sizeof(driver));
        /* The same index in this namespace may be something else. */
        if (strcmp(driver, "veth") != 0 || veth_peer(peer) != if_nametoindex(p->interface))
            return;
        snprintf(p->checksum_at, sizeof(p->checksum_at), "%s", peer);
        p->checksum = checksum_of(peer);
    }
}

static int read_number(const char *path)
{
    FILE *f = fopen(path, "re");
    int n = -1;

    if (!f)
        return -1;
    if (fscanf(f, "%d", &n) != 1)
        n = -1;
    fclose(f);
    return n;
}

static int rp_filter(const char *ifname)
{
    char path[128];
    int all = read_number("/proc/sys/net/ipv4/conf/all/rp_filter"), one;

    snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", ifname);
    one = read_number(path);
    return all < 0 || one < 0 ? -1 : one > all ? one : all;
}

static void read_port(struct doctor_port *p)
{
    struct ifreq ifr = {0};
    struct features f;

    if (p->interface[0] == '\0' || if_nametoindex(p->interface) == 0)
        return;
    p->exists = true;
    if (ifreq_ask(p->interface, SIOCGIFFLAGS, &ifr) == 0)
        p->up = (ifr.ifr_flags & IFF_UP) && (ifr.ifr_flags & IFF_RUNNING) ? DOCTOR_YES : DOCTOR_NO;
    if (ifreq_ask(p->interface, SIOCGIFMTU, &ifr) == 0)
        p->mtu = ifr.ifr_mtu > 0 ? (unsigned)ifr.ifr_mtu : 0;
    p->rp_filter = rp_filter(p->interface);
    read_driver(p->interface, p->driver, sizeof(p->driver));
    f = features_read(p->interface);
    p->rx_vlan = feature(&f, "rx-vlan-hw-parse");
    p->lro = feature(&f, "rx-lro");
    p->gro_hw = feature(&f, "rx-gro-hw");
    features_free(&f);
    read_checksum(p);
}

/* ---- the machine */

static void read_hugepages(struct doctor_facts *f)
{
    FILE *file = fopen("/proc/meminfo", "re");
    char line[128];
    unsigned found = 0;

    while (file && fgets(line, sizeof(line), file)) {
        found += sscanf(line, "HugePages_Total: %" SCNu64, &f->hugepages) == 1;
        found += sscanf(line, "HugePages_Free: %" SCNu64, &f->hugepages_free) == 1;
    }
    if (file)
        fclose(file);
    f->hugepages_known = found == 2;
}

static enum doctor_tri clock_state(void)
{
    struct timex t = {0};
    int state = adjtimex(&t);

    if (state < 0)
        return DOCTOR_UNKNOWN;
    return state == TIME_ERROR || (t.status & STA_UNSYNC) ? DOCTOR_NO : DOCTOR_YES;
}

/* "unlimited", or a number. */
static bool limit(const char *line, const char *name, uint64_t *out)
{
    size_t n = strlen(name);

    if (strncmp(line, name, n) != 0)
        return false;
    line += n + strspn(line + n, " ");
    *out = strncmp(line, "unlimited", 9) == 0 ? UINT64_MAX : strtoull(line, NULL, 10);
    return true;
}

static bool may_lock(pid_t pid)
{
    char path[64], line[256];
    uint64_t caps = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "CapEff: %" SCNx64, &caps) == 1)
            break;
    if (f)
        fclose(f);
    return caps >> CAP_LOCK_BIT & 1;
}

static void read_limits(struct doctor_facts *f, pid_t pid)
{
    char path[64], line[256];
    unsigned found = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
    file = pid ? fopen(path, "re") : NULL;
    while (file && fgets(line, sizeof(line), file)) {
        found += limit(line, "Max locked memory", &f->memlock);
        found += limit(line, "Max open files", &f->nofile);
    }
    if (file)
        fclose(file);
    f->limits_known = found == 2;
    if (pid && may_lock(pid))
        f->memlock = UINT64_MAX;
}

/* ---- the firewall */

/* What a command says, to be freed; NULL: it failed (*missing: there is none), or says too much. */
static char *output(const char *command, bool *missing)
{
    FILE *pipe = popen(command, "re");
    char *text = pipe ? malloc(RULES_MAX + 1) : NULL;
    size_t n = text ? fread(text, 1, RULES_MAX, pipe) : 0;
    int status = pipe ? pclose(pipe) : -1;

    *missing = WIFEXITED(status) && WEXITSTATUS(status) == 127;
    if (!text || status != 0 || n == RULES_MAX) {
        free(text);
        return NULL;
    }
    text[n] = '\0';
    return text;
}

#define RUN(command) "PATH=$PATH:/usr/sbin:/sbin; exec " command " 2>/dev/null </dev/null"

typedef struct doctor_firewall (*judge_fn)(const char *rules, const struct doctor_packet *p);

static void worse(struct doctor_firewall *f, struct doctor_firewall one)
{
    if (one.pass == DOCTOR_BLOCKED ? f->pass != DOCTOR_BLOCKED
                                   : one.pass == DOCTOR_PASS_UNKNOWN && f->pass == DOCTOR_PASS)
        *f = one;
}

static void judge_all(struct doctor_facts *f, const char *rules, judge_fn judge)
{
    const struct doctor_port *wan = f->n_ports ? &f->ports[f->n_ports - 1] : NULL;
    struct doctor_packet p = {.port = f->conf ? f->conf->underlay.vxlan_port : 4789,
                              .ifname = wan ? wan->interface : ""};

    worse(&f->vxlan_in, judge(rules, &p));
    p.tcp = true;
    p.port = f->conf && f->conf->bgp.on ? f->conf->bgp.port : 179;
    worse(&f->bgp_in, judge(rules, &p));
    p.out = true;
    worse(&f->bgp_out, judge(rules, &p));
}

static void cannot_judge(struct doctor_facts *f, const char *why)
{
    struct doctor_firewall unknown = {.pass = DOCTOR_PASS_UNKNOWN};

    snprintf(unknown.rule, sizeof(unknown.rule), "%s", why);
    worse(&f->vxlan_in, unknown);
    worse(&f->bgp_in, unknown);
    worse(&f->bgp_out, unknown);
}

/* The kernel has tables of the older kind, which nft does not list. */
static bool has_legacy_tables(void)
{
    FILE *file = fopen("/proc/net/ip_tables_names", "re");
    bool any = file && fgetc(file) != EOF;

    if (file)
        fclose(file);
    return any;
}

static void read_legacy(struct doctor_facts *f)
{
    bool missing;
    char *rules = output(RUN("iptables-legacy -S"), &missing);

    if (rules)
        judge_all(f, rules, doctor_firewall_iptables);
    else
        cannot_judge(f, "there are rules of iptables-legacy, and they cannot be read");
    free(rules);
}

static void read_firewall(struct doctor_facts *f)
{
    judge_fn judge = doctor_firewall_nft;
    bool no_nft, no_iptables = false;
    char *rules = output(RUN("nft -s list ruleset"), &no_nft);

    if (!rules && no_nft) {
        rules = output(RUN("iptables -S"), &no_iptables);
        judge = doctor_firewall_iptables;
    }
    f->vxlan_in.pass = f->bgp_in.pass = f->bgp_out.pass = DOCTOR_PASS;
    if (rules)
        judge_all(f, rules, judge);
    else
        cannot_judge(f, no_nft && no_iptables
                            ? "neither nft nor iptables is installed here to ask"
                            : "its rules cannot be read, for want of rights or of the kernel's support");
    if (has_legacy_tables())
        read_legacy(f);
    free(rules);
}

void doctor_host_read(struct doctor_facts *f, pid_t gateway)
{
    for (size_t i = 0; i < f->n_ports; i++)
        read_port(&f->ports[i]);
    read_hugepages(f);
    f->clock_synchronised = clock_state();
    read_limits(f, gateway);
    read_firewall(f);
}
