/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Events for those who watch (`causewayctl watch`): what an operator wants to hear of at once, each a JSON
 * object with "event", "time" and what it is about. Nothing is made while nobody watches.
 *
 *   move        a MAC moved ("move": its entry of the journal)
 *   move-done   its first return frame was seen, or the entry is closed without one
 *   prepared    a prepared move began, or came to another state ("prepared": as in show moves --prepared)
 *   alert       a duplicate MAC or IP, a sticky MAC elsewhere, a limit ("text" says it)
 *   peer        a BGP session is up or down
 *   vtep        the way to a VTEP is there, or lost
 *   lost        events that this watcher was too slow for (api.h)
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_WATCH_H
#define CONTROLPLANE_WATCH_H

#include "controlplane/gateway.h"
#include "controlplane/journal.h"
#include "controlplane/move_prepare.h"
#include "controlplane/neighbor.h"

#include <cjson/cJSON.h>

struct underlay_hop;

void watch_move(const struct gateway *g, const struct journal_entry *e, bool done);
void watch_prepared(const struct gateway *g, const struct prepared *p);
/* What an alert is called, here and in the log ("duplicate"). */
const char *watch_alert_name(enum mac_alert what);
const char *watch_neighbor_name(enum neighbor_alert what);
/* text: as it is in the log. */
void watch_alert(const struct gateway *g, const struct mac_alert_info *a, const char *text);
void watch_neighbor(const struct gateway *g, const struct neighbor_alert_info *a, const char *text);
void watch_peer(const struct gateway *g, const struct ipaddr *peer, bool up);
void watch_vtep(const struct gateway *g, const struct underlay_hop *hop);

/* A prepared move as JSON. */
void watch_prepared_json(const struct gateway *g, const struct prepared *p, cJSON *o);
/* What the other end's part in it is, where it has none: a sentence; NULL: it does its part, or was not heard
 * yet. */
const char *watch_prepared_warning(const struct prepared *p);

#endif
