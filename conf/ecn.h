/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ECN across a tunnel, RFC 6040 normal mode (R1.8), for both data planes. Pure functions of the two low bits
 * of the TOS / traffic class.
 */
#ifndef CONF_ECN_H
#define CONF_ECN_H

enum { ECN_NOT_ECT = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3 };
#define ECN_MASK 3u

/* RFC 6040 section 4.2, figure 4: the inner field after decapsulation, or -1 to drop (CE on a packet that
 * cannot carry it). */
static inline int ecn_decapsulate(unsigned inner, unsigned outer)
{
    if (outer == ECN_CE)
        return inner == ECN_NOT_ECT ? -1 : ECN_CE;
    if (outer == ECN_ECT1 && inner == ECN_ECT0)
        return ECN_ECT1;
    return (int)inner;
}

#endif
