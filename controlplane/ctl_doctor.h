/* SPDX-License-Identifier: BSD-3-Clause
 *
 * causewayctl doctor: asks the host and the gateway, has the checks run (doctor.h), prints what they found.
 * One thread.
 */
#ifndef CONTROLPLANE_CTL_DOCTOR_H
#define CONTROLPLANE_CTL_DOCTOR_H

#include <stdbool.h>

/* config: of a gateway that does not run: the host alone is looked at; NULL: the running gateway at `socket`
 * says it. width: of a line, 0: as long as it gets. Returns the exit status: 0 nothing found, 1 warnings,
 * 2 problems; what cannot be told is neither. */
int ctl_doctor(const char *socket, const char *config, bool json, unsigned width);

#endif
