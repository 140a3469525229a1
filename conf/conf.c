/* SPDX-License-Identifier: BSD-3-Clause
 *
 * struct conf itself: defaults, look-ups, the end of its life. Control thread only.
 */
#include "conf/conf.h"

#include "conf/conf_default.h"

#include <stdlib.h>

void conf_default(struct conf *c)
{
    c->underlay.prefix_len = 0xff;
    c->underlay.vxlan_port = 4789; /* R1.1 */
    c->underlay.ttl = 64;          /* R1.8 */
    c->dataplane.max_macs = 131072;
    c->dataplane.cpu = -1;
    strcpy(c->api_socket, CONF_API_SOCKET);
}

void conf_default_access(void *access)
{
    struct conf_access *a = access;

    a->mac_limit = CONF_NO_LIMIT;
}

void conf_default_network(void *network)
{
    struct conf_network *n = network;

    n->dscp = CONF_DSCP_INHERIT; /* R1.8 */
    n->limit_broadcast = 1000;   /* R8.3 */
    n->limit_multicast = 5000;
    n->limit_unknown_unicast = 1000;
    n->mac_limit = 16384; /* R8.4 */
    n->ageing = 300;
}

void conf_free(struct conf *c)
{
    if (!c)
        return;
    free(c->underlay.routes);
    for (size_t i = 0; i < c->n_access; i++)
        free(c->access[i].networks);
    free(c->access);
    for (size_t i = 0; i < c->n_networks; i++) {
        free(c->networks[i].flood_macs);
        free(c->networks[i].static_macs);
        free(c->networks[i].peers);
    }
    free(c->networks);
    free(c->bgp.peers);
    free(c);
}

const struct conf_network *conf_network_find(const struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->n_networks; i++) {
        if (strcmp(c->networks[i].name, name) == 0)
            return &c->networks[i];
    }
    return NULL;
}

bool conf_access_carries(const struct conf_access *a, const struct conf_network *n, uint16_t *vlan)
{
    bool carried = a->n_networks == 0 && a->untagged[0] == '\0';

    if (strcmp(a->untagged, n->name) == 0) {
        *vlan = CONF_VLAN_NONE;
        return true;
    }
    for (size_t i = 0; i < a->n_networks && !carried; i++)
        carried = strcmp(a->networks[i], n->name) == 0;
    if (carried)
        *vlan = n->vlan;
    return carried;
}

unsigned conf_overhead(const struct conf *c)
{
    return c->underlay.address.family == 6 ? 70 : 50; /* R1.7 */
}
