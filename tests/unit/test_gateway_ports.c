/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Access ports that a reload asks for while others of the same device are still being closed. The data plane
 * and the fast path are made up here.
 */
#include "controlplane/gateway_fastpath.h"
#include "controlplane/gateway_private.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdio.h>

static struct gateway g;
static struct gateway_private priv;
static char device[DP_MAX_PORTS][64]; /* what is open */
static bool busy;                     /* nothing can be closed yet */

int dp_port_next(const struct dp *dp, unsigned wish)
{
    int id = 0;

    (void)dp;
    if (wish > 0 && !device[wish - 1][0])
        return (int)wish - 1;
    while (device[id][0])
        id++;
    return id;
}

int dp_port_add(struct dp *dp, const struct dp_port_spec *spec, char err[DP_ERR_LEN])
{
    int id = dp_port_next(dp, spec->wish);

    (void)err;
    ck_assert_uint_eq(spec->wish, id + 1u); /* what it was chosen to be */
    snprintf(device[id], sizeof(device[id]), "%s", spec->device);
    return id;
}

int dp_port_remove(struct dp *dp, dp_port_id port)
{
    (void)dp;
    if (busy)
        return -EBUSY;
    device[port][0] = '\0';
    return 0;
}

void dp_port_set_link(struct dp *dp, dp_port_id port, bool up, uint16_t mtu)
{
    (void)dp, (void)port, (void)up, (void)mtu;
}

void dp_port_status(struct dp *dp, dp_port_id port, struct dp_port_status *out)
{
    (void)dp;
    *out = (struct dp_port_status){.role = DP_PORT_ACCESS};
    snprintf(out->device, sizeof(out->device), "%s", device[port]);
}

int gateway_fastpath_attach(struct gateway *gw, const struct xdp_config *config, struct gateway_port *p,
                            unsigned *queues, char *err, size_t err_len)
{
    (void)gw, (void)config, (void)p, (void)queues, (void)err, (void)err_len;
    return -ENODEV;
}

void gateway_fastpath_forget(struct gateway *gw, dp_port_id id)
{
    (void)gw, (void)id;
}

const struct gateway_fast_port *gateway_fastpath_port(const struct gateway *gw, dp_port_id id)
{
    (void)gw, (void)id;
    return NULL;
}

bool gateway_fastpath_stays(const struct gateway *gw)
{
    (void)gw;
    return false;
}

int gateway_takeover_port(const struct gateway *gw, unsigned ifindex, const char *opens)
{
    (void)gw, (void)ifindex, (void)opens;
    return -ENOENT;
}

uint32_t gateway_takeover_device(const char *opens)
{
    return (uint32_t)strlen(opens);
}

bool fwd_set_port(struct forwarding *f, dp_port_id port, const struct fastpath_port *state)
{
    (void)f, (void)port, (void)state;
    return true;
}

void gateway_port_begins(struct gateway *gw, const struct gateway_port *p)
{
    (void)gw, (void)p;
}

uint16_t gateway_kernel_mtu(const char *ifname)
{
    (void)ifname;
    return 1500;
}

bool gateway_kernel_up(const char *ifname)
{
    (void)ifname;
    return true;
}

uint16_t gateway_interface_mtu(const struct conf_port *port, uint16_t configured)
{
    (void)port, (void)configured;
    return 1500;
}

void fwd_port_counters(const struct forwarding *f, dp_port_id port, struct dp_port_counters *out)
{
    (void)f, (void)port;
    *out = (struct dp_port_counters){0};
}

void fwd_port_begin(struct forwarding *f, dp_port_id port, const struct dp_port_counters *before)
{
    (void)f, (void)port, (void)before;
}

static struct conf_access access_of(enum conf_port_kind kind, const char *name, const char *what)
{
    struct conf_access a = {.port = {.kind = kind}};

    snprintf(a.name, sizeof(a.name), "%s", name);
    snprintf(a.port.device, sizeof(a.port.device), "%s", what);
    return a;
}

static int add(struct conf_access *a, char err[256])
{
    const struct conf conf = {.access = a, .n_access = a ? 1 : 0};

    err[0] = '\0';
    return gateway_add_ports(&g, &conf, err, 256);
}

static void setup(void)
{
    static const struct mactable_ops ops = {0};

    memset(&g, 0, sizeof(g));
    memset(&priv, 0, sizeof(priv));
    memset(device, 0, sizeof(device));
    busy = false;
    g.priv = &priv;
    g.macs = mactable_new(16, &ops, NULL);
}

static void teardown(void)
{
    mactable_free(g.macs);
}

START_TEST(test_a_port_that_is_still_being_closed)
{
    static const struct {
        enum conf_port_kind kind;
        const char *was, *is;
    } t[] = {{CONF_PORT_PCI, "0000:03:00.0", "0000:03:00.0"},
             {CONF_PORT_DPDK, "net_ring0", "net_ring0"},
             {CONF_PORT_DPDK, "net_pcap0,rx_pcap=a", "net_pcap0,tx_pcap=b"}};
    struct conf_access one = access_of(t[_i].kind, "one", t[_i].was), two, other;
    static const struct conf none;
    char err[256];

    two = access_of(t[_i].kind, "two", t[_i].is);
    other = access_of(t[_i].kind, "other", t[_i].kind == CONF_PORT_PCI ? "0000:04:00.0" : "net_ring7");
    ck_assert_int_eq(add(&one, err), 0);
    gateway_take_ports(&g, &none);
    memset(&one, 0xaa, sizeof(one)); /* its configuration is freed */
    busy = true;
    gateway_close_leaving(&g);
    ck_assert_int_eq(add(&two, err), -EBUSY);
    ck_assert_msg(strstr(err, "access port two") && strstr(err, "still being closed"), "%s", err);
    ck_assert_int_eq(add(&other, err), 0);
    gateway_drop_ports(&g, 0);
    busy = false;
    gateway_close_leaving(&g);
    ck_assert_uint_eq(priv.n_leaving, 0);
    ck_assert_int_eq(add(&two, err), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gateway_ports");
    TCase *c = tcase_create("ports");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, test_a_port_that_is_still_being_closed, 0, 3);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
