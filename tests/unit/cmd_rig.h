/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tests of the API's commands share: a gateway made up here, with real configuration, MAC table and
 * RIB, while the data plane, the underlay, the XDP program and the BGP sessions are answers of cmd_fakes.h
 * (their functions are defined there, so the library's are not linked); and asking, page by page. One program
 * includes it once.
 */
#ifndef TESTS_UNIT_CMD_RIG_H
#define TESTS_UNIT_CMD_RIG_H

#include "tests/unit/cmd_fakes.h"

/* ---- a gateway */

static int program(void *arg, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    (void)arg;
    (void)net;
    (void)mac;
    (void)dest;
    return 0;
}

static void remove_mac(void *arg, dp_net_id net, struct mac mac)
{
    (void)arg;
    (void)net;
    (void)mac;
}

static bool seen(void *arg, dp_net_id net, struct mac mac, mono_t *at)
{
    (void)arg;
    return fwd_fdb_seen(NULL, net, mac, at);
}

static void alert(void *arg, const struct mac_alert_info *info)
{
    (void)arg;
    (void)info;
}

static int neigh_program(void *arg, dp_net_id net, const struct ipaddr *ip, struct mac mac, uint8_t flags)
{
    (void)arg, (void)net, (void)ip, (void)mac, (void)flags;
    return 0;
}

static void neigh_remove(void *arg, dp_net_id net, const struct ipaddr *ip)
{
    (void)arg, (void)net, (void)ip;
}

static bool neigh_here(void *arg, dp_net_id net, struct mac mac, const dp_port_id *port)
{
    const struct mac_entry *e = mactable_find(gw.macs, net, mac);

    (void)arg;
    return e && e->where == DP_WHERE_PORT && (!port || e->target == *port);
}

static unsigned neigh_ips(void *arg, dp_net_id net, struct mac mac, struct mac_ip_info *out, unsigned n)
{
    (void)arg;
    return mactable_ips(gw.macs, net, mac, out, n);
}

static int neigh_learned(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip, bool again)
{
    (void)arg, (void)again;
    return mactable_local_ip(gw.macs, net, mac, ip);
}

static void neigh_gone(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    (void)arg;
    (void)mactable_local_ip_gone(gw.macs, net, mac, ip);
}

static bool neigh_probe(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    (void)arg, (void)net, (void)mac, (void)ip;
    return true;
}

static void neigh_alert(void *arg, const struct neighbor_alert_info *info)
{
    (void)arg, (void)info;
}

static const struct neighbor_ops neigh_ops = {.program = neigh_program,
                                              .remove = neigh_remove,
                                              .here = neigh_here,
                                              .ips = neigh_ips,
                                              .learned = neigh_learned,
                                              .gone = neigh_gone,
                                              .probe = neigh_probe,
                                              .alert = neigh_alert};

static dp_vtep_id add_vtep(const struct ipaddr *address)
{
    for (unsigned i = 0; i < gw.n_vteps; i++)
        if (ipaddr_eq(&gw.vteps[i].address, address))
            return gw.vteps[i].id;
    gw.vteps[gw.n_vteps] = (struct gateway_vtep){.id = (dp_vtep_id)(gw.n_vteps + 1), .address = *address};
    gw.n_vteps++;
    return (dp_vtep_id)gw.n_vteps;
}

/* Onto the flood list of a network, as configured or by BGP. */
static void flood(dp_net_id net, const struct ipaddr *address, bool is_static, bool learning)
{
    __typeof__(flood_lists) l = &flood_lists[net - 1];
    dp_vtep_id id = add_vtep(address);
    struct gateway_vtep *vtep = &gw.vteps[id - 1];
    size_t i = 0;

    while (i < l->n && l->peers[i].vtep != id)
        i++;
    if (i == l->n) {
        l->peers = realloc(l->peers, ++l->n * sizeof(*l->peers));
        l->peers[i] = (struct gateway_peer){.vtep = id};
    }
    l->peers[i].is_static |= is_static;
    l->peers[i].learning |= learning;
    l->peers[i].bgp |= !is_static;
    vtep->is_static |= is_static;
    vtep->floods = (uint16_t)(vtep->floods + !is_static);
}

static inline void start(const char *yaml)
{
    static const struct mactable_ops ops = {
        .program = program, .remove = remove_mac, .seen = seen, .alert = alert};
    struct conf_errors errors = {0};

    memset(&fake_totals, 0, sizeof(fake_totals));
    memset(&gw, 0, sizeof(gw));
    fake_fastpath = fake_pinned = false;
    fake_why_not = "off";
    gw.conf = conf_load_string("test", yaml, strlen(yaml), &errors);
    ck_assert_msg(gw.conf != NULL, "%s", errors.n ? errors.text[0] : "?");
    conf_errors_free(&errors);
    gw.macs = mactable_new(gw.conf->dataplane.max_macs, &ops, NULL);
    gw.neighbors = neighbor_new(gw.conf->dataplane.max_macs * 2, &neigh_ops, NULL);
    start_moves();
    gw.generation = 1;
    gw.started = (mono_t){mono_now().ns - 90000000000u};
    gw.networks = calloc(gw.conf->n_networks, sizeof(*gw.networks));
    gw.vteps = calloc(CONF_MAX_VTEPS, sizeof(*gw.vteps));
    flood_lists = calloc(gw.conf->n_networks, sizeof(*flood_lists));
    gw.ports[gw.n_ports++] = (struct gateway_port){0, NULL, (struct xdp *)&gw, "underlay"};
    for (size_t i = 0; i < gw.conf->n_access; i++) {
        struct gateway_port *p = &gw.ports[gw.n_ports];

        *p = (struct gateway_port){(dp_port_id)gw.n_ports, &gw.conf->access[i], NULL, ""};
        strcpy(p->name, gw.conf->access[i].name);
        gw.n_ports++;
    }
    for (size_t i = 0; i < gw.conf->n_networks; i++) {
        const struct conf_network *n = &gw.conf->networks[i];

        gw.networks[i] = (struct gateway_network){(dp_net_id)(i + 1), n};
        gw.n_networks++;
        mactable_set_network(gw.macs, (dp_net_id)(i + 1), 300, UINT32_MAX);
        neighbor_set_network(gw.neighbors, (dp_net_id)(i + 1), 300, n->proxy);
        for (size_t j = 0; j < n->n_peers; j++)
            flood((dp_net_id)(i + 1), &n->peers[j].address, true, n->peers[j].learning);
    }
}

static inline void learn(dp_net_id net, unsigned n, enum dp_where where, uint16_t target)
{
    struct dp_event e = {.type = DP_EVENT_SOURCE,
                         .net = net,
                         .mac = {{2, 0, 0x5e, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}},
                         .where = where,
                         .target = target};

    mactable_source_seen(gw.macs, &e, (mono_t){mono_now().ns - 30000000000u});
}

/* The MAC of learn() has this IP, as a frame of `ago` seconds ago showed. */
static inline int show_ip(dp_net_id net, unsigned n, const char *ip, uint8_t flags, unsigned ago)
{
    struct dp_event e = {.type = DP_EVENT_NEIGHBOUR,
                         .net = net,
                         .mac = {{2, 0, 0x5e, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}},
                         .where = DP_WHERE_PORT,
                         .target = 1,
                         .evidence = DP_EVIDENCE_NA,
                         .flags = flags};

    ck_assert(ipaddr_parse(ip, &e.ip));
    return neighbor_seen(gw.neighbors, &e, (mono_t){mono_now().ns - ago * UINT64_C(1000000000)});
}

static inline void teardown(void)
{
    mactable_free(gw.macs);
    neighbor_free(gw.neighbors);
    journal_free(rig_journal);
    move_prepare_free(rig_prepared);
    conf_free((struct conf *)gw.conf);
    free(gw.networks);
    free(gw.vteps);
    for (unsigned i = 0; i < gw.n_networks; i++)
        free(flood_lists[i].peers);
    free(flood_lists);
}

/* ---- asking */

#define X(id, name, args, words, help) {name, args, help, cmd_##id, words},
static const struct api_command commands[] = {API_COMMANDS(X)};
#undef X

static char *raw(const char *request)
{
    return api_answer(commands, sizeof(commands) / sizeof(commands[0]), &gw, request, strlen(request));
}

static cJSON *ask(const char *request)
{
    char *text = raw(request);
    cJSON *reply = cJSON_Parse(text), *result;

    ck_assert_msg(cJSON_IsTrue(cJSON_GetObjectItem(reply, "ok")), "%s", text);
    result = cJSON_DetachItemFromObject(reply, "result");
    cJSON_Delete(reply);
    cJSON_free(text);
    return result;
}

/* The member at a path like "networks/0/name", printed. */
static const char *at(const cJSON *item, const char *where)
{
    static char out[1024];
    char copy[128], *save = NULL;

    snprintf(copy, sizeof(copy), "%s", where);
    for (char *name = strtok_r(copy, "/", &save); name; name = strtok_r(NULL, "/", &save))
        item = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, atoi(name))
                                   : cJSON_GetObjectItemCaseSensitive(item, name);
    snprintf(out, sizeof(out), "missing");
    if (item) {
        char *text = cJSON_PrintUnformatted(item);

        snprintf(out, sizeof(out), "%s", text);
        cJSON_free(text);
    }
    return out;
}

#define ck_at(json, where, text) ck_assert_str_eq(at(json, where), text)

/* What a request is answered with: the members at these paths, as above. */
struct want {
    const char *where, *text;
};

#define ck_ask(request, ...) check_answer(request, (const struct want[]){__VA_ARGS__, {NULL, NULL}})

static inline void check_answer(const char *request, const struct want *want)
{
    cJSON *r = ask(request);

    for (; want->where; want++)
        ck_assert_msg(strcmp(at(r, want->where), want->text) == 0, "%s: %s is %s, not %s", request,
                      want->where, at(r, want->where), want->text);
    cJSON_Delete(r);
}

/* It is refused, with this in what is said. */
static inline void ck_refused(const char *request, const char *words)
{
    char *text = raw(request);

    ck_assert_msg(strstr(text, "{\"ok\":false,\"error\":") == text && strstr(text, words), "%s: %s", request,
                  text);
    cJSON_free(text);
}

/* Asks page after page; returns how many rows `array` had in all, and how many pages that took. */
static inline int count_pages(const char *command, const char *array, const char *more, int *pages)
{
    char request[256];
    unsigned after = 0;
    int rows = 0;

    for (*pages = 1;; ++*pages) {
        const cJSON *next;
        cJSON *r;

        snprintf(request, sizeof(request), "{\"cmd\":\"%s\",\"after\":%u%s}", command, after, more);
        r = ask(request);
        rows += cJSON_GetArraySize(cJSON_GetObjectItem(r, array));
        next = cJSON_GetObjectItem(r, "next");
        if (!next) {
            cJSON_Delete(r);
            return rows;
        }
        ck_assert_uint_gt((unsigned)next->valuedouble, after);
        after = (unsigned)next->valuedouble;
        cJSON_Delete(r);
        ck_assert_int_lt(*pages, 1000);
    }
}

#endif
