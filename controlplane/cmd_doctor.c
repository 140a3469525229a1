/* SPDX-License-Identifier: BSD-3-Clause
 *
 * doctor: the part of it that the gateway alone can do, which is to ask the gateways of the other sites how
 * long the frames are that reach them. The rest is causewayctl's (doctor.h). Control thread only.
 */
#include "controlplane/api.h"
#include "controlplane/cmd.h"
#include "controlplane/survey.h"

#include <errno.h>
#include <stdio.h>

#define ETH_LEN     14u
#define FRAME_LIMIT 9216u

static unsigned frame_of(const struct conf_network *n)
{
    unsigned len = conf_network_mtu(n) + ETH_LEN;

    return len < FRAME_LIMIT ? len : FRAME_LIMIT;
}

/* To each VTEP the longest frame that a network needs there. Returns how many. */
static unsigned collect(const struct gateway *g, struct survey_path *paths)
{
    unsigned n = 0;

    for (unsigned i = 0; i < g->n_networks; i++) {
        size_t n_peers;
        const struct gateway_peer *peers = gateway_peers(g, g->networks[i].id, &n_peers);
        unsigned wanted = frame_of(g->networks[i].conf);

        for (size_t j = 0; j < n_peers; j++) {
            unsigned at = 0;

            while (at < n && paths[at].vtep != peers[j].vtep)
                at++;
            if (at == SURVEY_MAX || (at < n && paths[at].wanted >= wanted))
                continue;
            paths[at] = (struct survey_path){
                .net = g->networks[i].id, .vtep = peers[j].vtep, .wanted = (uint16_t)wanted};
            n += at == n;
        }
    }
    return n;
}

static void fill(const struct gateway *g, cJSON *result)
{
    cJSON *rows = json_array(result, "paths");
    const struct survey_path *p;

    for (unsigned i = 0; (p = survey_path(g->survey, i)) != NULL; i++) {
        const struct gateway_network *net = gateway_network(g, p->net);
        const struct gateway_vtep *vtep = gateway_vtep(g, p->vtep);
        cJSON *row;

        if (!net || !vtep) /* gone meanwhile */
            continue;
        row = json_row(rows);
        json_address(row, "vtep", &vtep->address);
        json_text(row, "network", net->conf->name);
        json_bool(row, "answers", p->answers);
        json_u64(row, "mtu_wanted", p->wanted - ETH_LEN);
        if (!p->answers)
            continue;
        json_u64(row, "mtu", p->reached - ETH_LEN);
        json_u64(row, "round_trip_ns", p->rtt_ns);
    }
}

static void on_done(void *arg)
{
    struct gateway *g = arg;
    cJSON *result = cJSON_CreateObject();

    fill(g, result);
    api_reply(g->api, g->survey_call, result, NULL);
}

int cmd_doctor(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    struct gateway *g = ctx;
    struct survey_path paths[SURVEY_MAX];
    int rc;

    if (api_arg(args, CONFIG)) {
        snprintf(err, API_ERR_LEN, "config is causewayctl's: it reads the file itself");
        return -EINVAL;
    }
    if (!g->survey)
        g->survey = survey_new(g->oam, on_done, g);
    if (!g->survey) {
        snprintf(err, API_ERR_LEN, "not enough memory");
        return -ENOMEM;
    }
    rc = survey_start(g->survey, paths, collect(g, paths), mono_now());
    if (rc == -EBUSY) {
        snprintf(err, API_ERR_LEN, "the other gateways are being asked already; try again in some seconds");
        return rc;
    }
    if (rc == 0) {
        fill(g, result);
        return 0;
    }
    g->survey_call = args->call;
    gateway_oam_changed(g);
    return API_LATER;
}
