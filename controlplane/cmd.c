/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the commands share: finding what the arguments name, writing JSON members; and api_start(), which
 * binds the command list to a gateway. Control thread only.
 */
#include "controlplane/cmd.h"

#include "controlplane/api.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define MAX_CLIENTS 64
#define IDLE_MS     60000
#define WRITE_MS    10000

static const struct api_command commands[] = {
#define X(id, name, args, help) {name, args, help, cmd_##id},
    API_COMMANDS(X)
#undef X
};

struct api *api_start(struct event_base *base, struct gateway *g, const char *socket_path, char *err,
                      size_t err_len)
{
    const struct api_config config = {
        .commands = commands,
        .n_commands = sizeof(commands) / sizeof(commands[0]),
        .ctx = g,
        .max_clients = MAX_CLIENTS,
        .idle_ms = IDLE_MS,
        .write_ms = WRITE_MS,
    };

    return api_open(base, &config, socket_path, err, err_len);
}

int cmd_find_network(const struct gateway *g, const struct api_args *args, const struct gateway_network **net,
                     char err[API_ERR_LEN])
{
    const union api_value *name = api_arg(args, NETWORK);

    *net = NULL;
    if (!name)
        return 0;
    for (unsigned i = 0; i < g->n_networks; i++) {
        if (strcmp(g->networks[i].conf->name, name->text) == 0) {
            *net = &g->networks[i];
            return 0;
        }
    }
    snprintf(err, API_ERR_LEN, "no network of that name; \"show networks\" lists them");
    return -ENOENT;
}

void json_text(cJSON *o, const char *name, const char *text)
{
    cJSON_AddStringToObject(o, name, text);
}

void json_bool(cJSON *o, const char *name, bool v)
{
    cJSON_AddBoolToObject(o, name, v);
}

void json_u64(cJSON *o, const char *name, uint64_t v)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, v);
    cJSON_AddRawToObject(o, name, text);
}

void json_limit(cJSON *o, const char *name, uint32_t v)
{
    if (v == UINT32_MAX) {
        cJSON_AddNullToObject(o, name);
    } else {
        json_u64(o, name, v);
    }
}

void json_mac(cJSON *o, const char *name, struct mac m)
{
    char text[MAC_STRLEN];

    cJSON_AddStringToObject(o, name, mac_format(m, text));
}

void json_address(cJSON *o, const char *name, const struct ipaddr *a)
{
    char text[IPADDR_STRLEN];

    if (a->family == 0) {
        cJSON_AddNullToObject(o, name);
    } else {
        cJSON_AddStringToObject(o, name, ipaddr_format(a, text));
    }
}

void json_count(cJSON *o, const char *name, struct dp_count c)
{
    cJSON *count = json_object(o, name);

    json_u64(count, "frames", c.frames);
    json_u64(count, "bytes", c.bytes);
}

cJSON *json_array(cJSON *o, const char *name)
{
    return cJSON_AddArrayToObject(o, name);
}

cJSON *json_object(cJSON *o, const char *name)
{
    return cJSON_AddObjectToObject(o, name);
}

cJSON *json_row(cJSON *array)
{
    cJSON *row = cJSON_CreateObject();

    if (row && !cJSON_AddItemToArray(array, row)) {
        cJSON_Delete(row);
        row = NULL;
    }
    return row;
}
