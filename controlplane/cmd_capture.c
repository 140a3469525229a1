/* SPDX-License-Identifier: BSD-3-Clause
 *
 * capture: starts one; the frames follow the answer as lines of their own (gateway_capture.h). Control thread
 * only.
 */
#include "controlplane/cmd.h"
#include "controlplane/gateway_capture.h"
#include "ebpf/fastpath.h"

#include <errno.h>
#include <stdio.h>

static int read_reason(const char *name, enum drop_reason *out, char err[API_ERR_LEN])
{
    for (int i = 0; i < DROP_N; i++) {
        if (strcmp(drop_name((enum drop_reason)i), name) == 0) {
            *out = (enum drop_reason)i;
            return 0;
        }
    }
    snprintf(err, API_ERR_LEN, "no drop reason of that name; \"show drops --all\" lists them");
    return -ENOENT;
}

static int read_port(const struct gateway *g, const char *name, dp_port_id *out, char err[API_ERR_LEN])
{
    for (unsigned i = 0; i < g->n_ports; i++) {
        if (strcmp(g->ports[i].name, name) == 0) {
            *out = g->ports[i].id;
            return 0;
        }
    }
    snprintf(err, API_ERR_LEN, "no port of that name; \"show ports\" lists them");
    return -ENOENT;
}

static int read_filter(const struct gateway *g, const struct api_args *args, struct capture_filter *f,
                       char err[API_ERR_LEN])
{
    const union api_value *port = api_arg(args, PORT), *mac = api_arg(args, MAC), *snap = api_arg(args, SNAP);
    const union api_value *reason = api_arg(args, REASON);
    const struct gateway_network *net;
    int rc = cmd_find_network(g, args, &net, err);

    *f = (struct capture_filter){
        .drops = api_flag(args, DROPS), .reason = DROP_N, .port = DP_NO_PORT, .snap = CAPTURE_SNAP};
    if (rc == 0 && port)
        rc = read_port(g, port->text, &f->port, err);
    if (rc == 0 && reason)
        rc = read_reason(reason->text, &f->reason, err);
    if (rc < 0)
        return rc;
    f->net = net ? net->id : 0;
    f->by_mac = mac != NULL;
    if (mac)
        f->mac = mac->mac;
    if (reason && !f->drops)
        snprintf(err, API_ERR_LEN, "a reason is one of drops: --drops");
    else if (net && f->drops)
        snprintf(err, API_ERR_LEN, "drops are not known by network; by --port, --mac or reason they are");
    else if (!f->drops && !port && !net && !mac)
        snprintf(err, API_ERR_LEN, "which frames? --port, --network, --mac or --drops");
    else if (snap && (snap->number < 1 || snap->number > CAPTURE_SNAP_MAX))
        snprintf(err, API_ERR_LEN, "snap must be from 1 to %d", CAPTURE_SNAP_MAX);
    else
        rc = 1;
    if (snap)
        f->snap = (uint16_t)snap->number;
    return rc == 1 ? 0 : -EINVAL;
}

int cmd_capture(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    struct gateway *g = ctx;
    const union api_value *count = api_arg(args, COUNT), *seconds = api_arg(args, SECONDS);
    struct gateway_capture_config config = {
        .count = count ? count->number : 0, .seconds = seconds ? seconds->number : 0, .call = args->call};
    int rc = read_filter(g, args, &config.filter, err);
    char without[FASTPATH_ERR_LEN];
    cJSON *rows;

    if (rc < 0)
        return rc;
    if (api_arg(args, WRITE)) {
        snprintf(err, API_ERR_LEN, "write is causewayctl's: it writes the file itself");
        return -EINVAL;
    }
    rc = gateway_capture_start(g, &config, without, sizeof(without));
    if (rc < 0) {
        snprintf(err, API_ERR_LEN,
                 rc == -EBUSY    ? "there is a capture under way; one at a time"
                 : rc == -ENOENT ? "a capture needs a connection to answer on"
                                 : "not enough memory");
        return rc;
    }
    json_u64(result, "snap", config.filter.snap);
    if (without[0])
        json_text(result, "without_fastpath", without);
    rows = json_array(result, "ports");
    for (unsigned i = 0; i < g->n_ports; i++) {
        cJSON *row = json_row(rows);

        json_u64(row, "id", g->ports[i].id);
        json_text(row, "name", g->ports[i].name);
    }
    return 0;
}
