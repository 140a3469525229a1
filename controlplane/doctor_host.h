/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reads what the doctor wants to know of this host: /proc, the kernel's interfaces, the firewall's rules by
 * the firewall's own program. Changes nothing. What cannot be read stays unknown. One thread, blocking.
 */
#ifndef CONTROLPLANE_DOCTOR_HOST_H
#define CONTROLPLANE_DOCTOR_HOST_H

#include "controlplane/doctor.h"

#include <sys/types.h>

/* After doctor_facts_init(). gateway: the process whose limits count; 0: not known. */
void doctor_host_read(struct doctor_facts *f, pid_t gateway);

#endif
