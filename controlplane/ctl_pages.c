/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ctl_pages.h. One thread.
 */
#include "controlplane/ctl_pages.h"

#include <stdio.h>
#include <string.h>

bool ctl_pages_turn(const cJSON *page, cJSON *request, char err[CTL_ERR_LEN])
{
    const cJSON *next = cJSON_GetObjectItemCaseSensitive(page, "next");
    const char *name = cJSON_IsString(next) ? "cursor" : "after";
    const cJSON *before = cJSON_GetObjectItemCaseSensitive(request, name);

    err[0] = '\0';
    if (!cJSON_IsString(next) && !cJSON_IsNumber(next))
        return false;
    if (cJSON_IsString(next) ? before && strcmp(next->valuestring, before->valuestring) <= 0
                             : next->valuedouble <= (before ? before->valuedouble : 0)) {
        snprintf(err, CTL_ERR_LEN, "the pages of the answer do not get on");
        return false;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(request, name);
    if (cJSON_IsString(next))
        return cJSON_AddStringToObject(request, name, next->valuestring);
    return cJSON_AddNumberToObject(request, name, next->valuedouble);
}
