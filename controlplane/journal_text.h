/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An entry of the journal as JSON: for the API, for those who watch, and as a line of the journal's file.
 *
 *   {"id":7,"time":"2026-05-01T12:00:00.123456789Z","network":"web","mac":"02:00:5e:10:00:01","ips":["10.0.0.1"],
 *    "ip_count":1,"from":{"site":"paris","vtep":"198.18.0.1"},"to":{"site":"london","port":"trunk"},
 *    "detected":"rarp","sequence":3,"expected":true,"prepared":12,"monotonic_ns":81230,"open":false,
 *    "announcements":4,"bounced":null,"bicast":17,
 *    "stages":{"silent_ns":230000000,"fdb_ns":61000,"bgp_ns":90000,"first_ns":310000},
 *    "dark_ns":230371000,"dark_complete":true}
 *
 * null is "not known"; "left_out":5 is there when moves of the MAC that followed are not in the journal.
 * Pure; control thread only.
 */
#ifndef CONTROLPLANE_JOURNAL_TEXT_H
#define CONTROLPLANE_JOURNAL_TEXT_H

#include "controlplane/journal.h"

#include <cjson/cJSON.h>

#define JOURNAL_LINE_MAX 2048 /* of any entry's text, newline and end included */

void journal_json(cJSON *o, const struct journal_entry *e);
/* One line with its newline, to be released with cJSON_free(); NULL without memory. */
char *journal_line(const struct journal_entry *e);
/* The entry of a line (no newline): net 0, not open. False: it is none. Any bytes may come. */
bool journal_parse(const char *line, size_t len, struct journal_entry *out);

/* "2026-05-01T12:00:00.123456789Z" */
#define JOURNAL_TIME_LEN 32
const char *journal_time(uint64_t wall_ns, char buf[JOURNAL_TIME_LEN]);

#endif
