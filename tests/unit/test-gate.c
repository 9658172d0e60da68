/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What comes from a helper passes as it is, however it is cut into pieces, up to a message that is too long.
 */
#include "tests/unit/fake.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/io/gate.h"

#define LINES_TEXT "DATA\r\nOK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n"

struct fixture {
    sd_event *event;
    struct gate *gate;
    int helper, ours, bus;
    GByteArray *passed;
};

static int set_up(void **state)
{
    struct fixture *f = g_new0(struct fixture, 1);
    int pair[2];

    f->event = loop_new();
    f->passed = g_byte_array_new();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        return -1;
    f->ours = pair[0];
    f->helper = pair[1];
    *state = f;
    return gate_new(f->event, f->ours, &f->bus, &f->gate);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    assert_null(gate_free(f->gate));
    close(f->helper);
    close(f->ours);
    close(f->bus);
    g_byte_array_unref(f->passed);
    sd_event_unref(f->event);
    g_free(f);
    return 0;
}

/* Takes what has passed. Returns false at its end. */
static bool take(struct fixture *f)
{
    guint8 bytes[50000];
    ssize_t n;

    while (gate_pump(f->gate))
        ;
    while ((n = read(f->bus, bytes, sizeof bytes)) > 0) {
        g_byte_array_append(f->passed, bytes, (guint)n);
        while (gate_pump(f->gate))
            ;
    }
    return n != 0;
}

/* In pieces of so many bytes. Returns false once the gate is closed. */
static bool say(struct fixture *f, const void *bytes, size_t length, size_t piece)
{
    const char *at = bytes;

    while (length > 0) {
        ssize_t n = send(f->helper, at, MIN(piece, length), MSG_NOSIGNAL);

        if (n > 0) {
            at += n;
            length -= (size_t)n;
        }
        if (!take(f))
            return false;
    }
    return true;
}

static void head(guint8 *bytes, char order, guint32 body, guint32 fields)
{
    memset(bytes, 0, 16);
    bytes[0] = (guint8)order;
    body = order == 'l' ? GUINT32_TO_LE(body) : GUINT32_TO_BE(body);
    fields = order == 'l' ? GUINT32_TO_LE(fields) : GUINT32_TO_BE(fields);
    memcpy(bytes + 4, &body, sizeof body);
    memcpy(bytes + 12, &fields, sizeof fields);
}

static void all_passes_in_any_pieces(void **state)
{
    static const size_t pieces[] = {1, 3, 16, 17, 4096, 100000};
    struct fixture *f = *state;
    g_autofree guint8 *all = g_malloc(300000);
    size_t length = strlen(LINES_TEXT);

    memcpy(all, LINES_TEXT, length);
    assert_true(say(f, all, length, 5));
    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
        guint32 body = (guint32)(i * 40000), fields = (guint32)(13 * i);
        size_t whole = 16 + (fields + 7) / 8 * 8 + body;

        memset(all, 'x', whole);
        head(all, i % 2 ? 'l' : 'B', body, fields);
        g_byte_array_set_size(f->passed, 0);
        assert_true(say(f, all, whole, pieces[i]));
        assert_int_equal(f->passed->len, whole);
        assert_memory_equal(f->passed->data, all, whole);
    }
    close(f->helper);
    f->helper = -1;
    assert_false(take(f));
}

static void assert_refused(struct fixture *f, const char *lines, char order, guint32 body, guint32 fields)
{
    guint8 bytes[16];

    head(bytes, order, body, fields);
    assert_true(say(f, lines, strlen(lines), 100));
    assert_false(say(f, bytes, sizeof bytes, 16));
    assert_int_equal(f->passed->len, strlen(lines)); /* not even its head */
}

static void a_long_body_does_not(void **state)
{
    assert_refused(*state, LINES_TEXT, 'l', GATE_MESSAGE_MAX, 0);
}

static void long_fields_do_not(void **state)
{
    assert_refused(*state, LINES_TEXT, 'B', 0, G_MAXUINT32);
}

static void an_unknown_order_does_not(void **state)
{
    assert_refused(*state, LINES_TEXT, 'x', 0, 0);
}

/* sd-bus does not look at the third line. */
static void lines_that_look_like_messages_are_lines(void **state)
{
    assert_refused(*state, "DATA\r\nOK 0\r\nlxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n", 'l', GATE_MESSAGE_MAX,
                   0);
}

static void lines_have_an_end(void **state)
{
    g_autofree char *line = g_strnfill(5000, 'l');

    assert_false(say(*state, line, strlen(line), 1000));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_passes_in_any_pieces),
        TEST(a_long_body_does_not),
        TEST(long_fields_do_not),
        TEST(an_unknown_order_does_not),
        TEST(lines_that_look_like_messages_are_lines),
        TEST(lines_have_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
