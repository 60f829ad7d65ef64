#include "core/auth/password.c"
#include "spec/core/test.h"

#define S(text) slice_str(text)

TEST("a hash verifies its password and no other")
{
    char hash[PASSWORD_HASH_BYTES + 1], again[PASSWORD_HASH_BYTES + 1];
    CHECK_INT(password_hash(S("correct horse"), 4, hash), PASSWORD_OK);
    CHECK_INT(password_hash(S("correct horse"), 4, again), PASSWORD_OK);
    CHECK(strncmp(hash, "$2b$04$", 7) == 0 && strlen(hash) == PASSWORD_HASH_BYTES);
    CHECK(strcmp(hash, again) != 0); /* a salt each */
    CHECK_INT(password_verify(S("correct horse"), S(hash)), PASSWORD_OK);
    CHECK_INT(password_verify(S("correct hors"), S(hash)), PASSWORD_WRONG);
    CHECK_INT(password_verify(S("Correct horse"), S(hash)), PASSWORD_WRONG);
    CHECK_INT(password_verify(S(""), S(hash)), PASSWORD_WRONG);
}

/* Made by Apache's htpasswd and by bcryptjs, and the known answers of crypt_blowfish. */
TEST("hashes of other libraries verify")
{
    static const char *const known[][2] = {
        {"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
        {"U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"},
        {"U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"},
        {"correct horse", "$2y$05$5zkytCycEcfNd0hkAipRC.sLmLPLOgjJbC6.1To74ZTv7cYZ2szEG"},
        {"correct horse", "$2a$05$XtUhr5vrkxLpWbjMBkdYYOe.sBkSCnaRmDMbdQZVH1TLhJwxuXFZy"},
        {"p\u00e4ssw\u00f6rd \U0001F40E", "$2a$04$vUmhnPCz1GCjfhJnoAK9uuJzM6NoRC.rBhiN7mC6gVGm/DglYoDTq"},
        {"abcdefghijklmnopqrstuvwxyz", "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC"},
        {"\xff\xff\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e"},
        {"\xff\xff\xa3", "$2b$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        CHECK_INT(password_verify(S(known[i][0]), S(known[i][1])), PASSWORD_OK);
        CHECK_INT(password_verify(S("U*U*u"), S(known[i][1])), PASSWORD_WRONG);
    }
}

TEST("a password over 72 bytes is refused, not cut, and so is one with NUL")
{
    char hash[PASSWORD_HASH_BYTES + 1], text[80];
    memset(text, 'a', sizeof text);
    CHECK_INT(password_hash(slice_of(text, 72), 4, hash), PASSWORD_OK);
    CHECK_INT(password_verify(slice_of(text, 72), S(hash)), PASSWORD_OK);
    CHECK_INT(password_verify(slice_of(text, 71), S(hash)), PASSWORD_WRONG);
    CHECK_INT(password_verify(slice_of(text, 73), S(hash)), PASSWORD_TOO_LONG);
    CHECK_INT(password_hash(slice_of(text, 73), 4, hash), PASSWORD_TOO_LONG);
    CHECK_INT(password_hash(slice_of("a\0b", 3), 4, hash), PASSWORD_HAS_NUL);
    CHECK_INT(password_verify(slice_of("a\0b", 3), S(hash)), PASSWORD_HAS_NUL);
}

TEST("what is no bcrypt hash is told at once")
{
    static const char *const wrong[] = {
        "",
        "x",
        "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$17$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$5$$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW1",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyO\n1",
        "$6$rounds=5000$saltsaltsaltsalt$0123456789012345678901234567",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_INT(password_cost(S(wrong[i])), 0);
        CHECK_INT(password_verify(S("U*U"), S(wrong[i])), PASSWORD_FAILED);
    }
}

TEST("a lower cost and another form are to be upgraded")
{
    struct slice old = S("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW");
    struct slice now = S("$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW");
    CHECK_INT(password_cost(old), 5);
    CHECK(!password_is_current(old, 5) && password_is_current(now, 5) && password_is_current(now, 4));
    CHECK(!password_is_current(now, 6) && !password_is_current(S("x"), 4));
}
