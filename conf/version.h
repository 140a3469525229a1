/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The version of the whole: causewayd, causewayctl.
 */
#ifndef CONF_VERSION_H
#define CONF_VERSION_H

#define CAUSEWAY_VERSION "0.1.0"

#endif
