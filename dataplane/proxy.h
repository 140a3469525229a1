/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Proxy ARP and ND (R7.2; RFC 9161): an access port's question for an address that the table knows is
 * answered in its own buffer and goes back by the port and VLAN that it came from. Everything that the proxy
 * leaves alone is forwarded as if there were none. Worker threads.
 */
#ifndef DATAPLANE_PROXY_H
#define DATAPLANE_PROXY_H

#include "dataplane/worker.h"

/* sn: what snoop_look() says of the frame, with a target. True: answered, and f->m is gone. */
bool proxy_answer(struct worker *w, struct frame *f, const struct snoop *sn);

/* What it would answer; false: nothing.
 *
 * R7.2: not to the owner itself, not even when it looks for a duplicate of its own address (any other that
 * does is answered, by ARP probe and by NS alike: RFC 9161 section 3.3 c), nor for a host on the asker's own
 * port, which answers for itself; nor when the MAC is not known here, because then only its owner's answer
 * can show where it is. */
bool proxy_find(const struct worker *w, const struct frame *f, const struct snoop *sn,
                struct neigh_entry *entry);

#endif
