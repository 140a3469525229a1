/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the service manager hears (sd_notify(3)): READY=1 once the gateway forwards, STATUS= in a few words,
 * WATCHDOG=1 while both the control thread's loop and the worker turn, STOPPING=1. Nothing happens when
 * nobody asked for it (NOTIFY_SOCKET, WATCHDOG_USEC). Control thread only.
 */
#ifndef CONTROLPLANE_SERVICE_H
#define CONTROLPLANE_SERVICE_H

struct event_base;
struct gateway;
struct service;

/* The gateway forwards: READY=1; status and watchdog from here on. NULL without memory. */
struct service *service_start(struct event_base *base, const struct gateway *g);
/* STOPPING=1. NULL is fine. */
void service_stop(struct service *s);

#endif
