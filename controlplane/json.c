/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See json.h.
 */
#include "controlplane/json.h"

#include <inttypes.h>
#include <stdio.h>

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

void json_add_text(cJSON *array, const char *text)
{
    cJSON *item = cJSON_CreateString(text);

    if (item && !cJSON_AddItemToArray(array, item))
        cJSON_Delete(item);
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
