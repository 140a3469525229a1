/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Writing JSON for programs and files: members of an object, by type. Without memory a member is left out;
 * all of these functions take NULL for the object and then do nothing. Control thread only.
 */
#ifndef CONTROLPLANE_JSON_H
#define CONTROLPLANE_JSON_H

#include "conf/types.h"

#include <cjson/cJSON.h>

void json_text(cJSON *o, const char *name, const char *text);
void json_bool(cJSON *o, const char *name, bool v);
/* Exact up to 2^64-1, which a JSON number of cJSON's (a double) is not. */
void json_u64(cJSON *o, const char *name, uint64_t v);
/* null stands for UINT32_MAX ("no limit"). */
void json_limit(cJSON *o, const char *name, uint32_t v);
void json_mac(cJSON *o, const char *name, struct mac m);
/* null stands for no address. */
void json_address(cJSON *o, const char *name, const struct ipaddr *a);
/* A string at the end of an array. */
void json_add_text(cJSON *array, const char *text);
/* A new empty array or object in o, or a new object at the end of an array. NULL without memory. */
cJSON *json_array(cJSON *o, const char *name);
cJSON *json_object(cJSON *o, const char *name);
cJSON *json_row(cJSON *array);

#endif
