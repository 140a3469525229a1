/* SPDX-License-Identifier: BSD-3-Clause
 *
 * -j: the pages of one result as one JSON document. Arrays of the pages are joined, and so is the text
 * "yaml"; of other members the first page's counts. Kept as text between pages, so a million rows do not fill
 * the memory. One thread.
 */
#ifndef CONTROLPLANE_CTL_JSON_H
#define CONTROLPLANE_CTL_JSON_H

#include <cjson/cJSON.h>
#include <stdio.h>

struct ctl_json;

struct ctl_json *ctl_json_new(void);
void ctl_json_free(struct ctl_json *j);
void ctl_json_page(struct ctl_json *j, cJSON *page);
/* Writes the document: each member and each row of an array on a line of its own. */
void ctl_json_print(struct ctl_json *j, FILE *out);

#endif
