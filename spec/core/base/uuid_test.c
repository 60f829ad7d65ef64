#include "core/base/uuid.c"
#include "spec/core/test.h"

TEST("the text of every byte at every place is its two digits, in five groups")
{
    for (int at = 0; at < UUID_BYTES; at++) {
        for (int byte = 0; byte < 256; byte++) {
            unsigned char bytes[UUID_BYTES] = {0};
            char text[UUID_TEXT], want[3];
            bytes[at] = (unsigned char)byte;
            uuid_write(text, bytes);
            int i = 2 * at + (at >= 4) + (at >= 6) + (at >= 8) + (at >= 10);
            snprintf(want, sizeof want, "%02x", byte);
            CHECK_STR(text + i, 2, want);
            text[i] = text[i + 1] = '0';
            CHECK_STR(text, sizeof text, "00000000-0000-0000-0000-000000000000");
        }
    }
}
