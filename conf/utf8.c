/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See utf8.h.
 */
#include "conf/utf8.h"

size_t utf8_char(const void *text, size_t left, uint32_t *value)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = text;
    size_t n = p[0] < 0x80                   ? 1
               : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
               : (p[0] & 0xf0) == 0xe0       ? 3
               : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                             : 0;
    uint32_t v;

    if (n == 0 || n > left)
        return 0;
    v = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | (p[i] & 0x3f);
    }
    if (v < smallest[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
        return 0;
    *value = v;
    return n;
}

bool utf8_harmless(uint32_t v)
{
    return v >= 0x20 && !(v >= 0x7f && v < 0xa0) && v != 0xad && !(v >= 0x200b && v <= 0x200f) &&
           !(v >= 0x2028 && v <= 0x202e) && !(v >= 0x2060 && v <= 0x206f) && v != 0xfeff;
}
