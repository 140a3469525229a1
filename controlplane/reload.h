/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `causewayctl reload` and SIGHUP, `causewayctl diff`: the daemon reads the file that it was started with
 * once more, checks it, and goes over to it (gateway_reload()), or refuses it as a whole: because it is
 * wrong, because something in it needs a restart, or because it cannot be done; and says which.
 *
 * The answer, of both:
 *
 *   {"applied":true, "generation":3,        whether it was; the configuration in force now
 *    "errors":["FILE:3:1: ..."],            why not, a line each
 *    "warnings":["..."],                    it was, but this could not be done
 *    "changes":[{"change":"changed","path":"networks[web].vlan","from":"100","to":"101","restart":"..."}],
 *    "more":12,                             changes that are not listed
 *    "restart":1}                           how many need one
 *
 * A large file takes a while: it is read, checked and compared in a thread of its own (reload_reader.h),
 * while the control thread goes on. Its configured MACs, which may be many, are set a part at a time. What is
 * asked meanwhile waits its turn, and the answer comes when all is done.
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_RELOAD_H
#define CONTROLPLANE_RELOAD_H

#include "controlplane/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELOAD_WAITING 32 /* requests, each with a text of its own perhaps */

struct conf;
struct event_base;
struct exporter;
struct gateway;
struct reload;

/* Sets g->reload; from now on SIGHUP reloads. The file and what g runs with are the caller's. exporter: made
 * anew when it is to listen elsewhere; verbose: the log level is not the file's. NULL without memory. */
struct reload *reload_start(struct event_base *base, struct gateway *g, const char *file, bool verbose,
                            struct exporter **exporter);
/* No reload any more: waits for the thread, nobody is answered. NULL is fine. */
void reload_stop(struct reload *r);
/* After gateway_stop(): frees the configuration that it ran with, unless that was the one of the start. */
void reload_free(struct reload *r);

/* The answer goes to this call of g->api. 0, -ENOMEM, or -EBUSY: too many wait, some for nobody any more. */
int reload_run(struct reload *r, uint64_t call);
/* What would change with this text as the file, without applying anything. Likewise. */
int reload_compare(struct reload *r, uint64_t call, const char *text, size_t len);

#endif
