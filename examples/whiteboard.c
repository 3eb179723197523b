/*
 * A shared whiteboard: what Reef is for.
 *
 * A stroke is an entity with one component, so everything else follows: it is saved and
 * restored by the snapshot plugin, an operator sees it in the dashboard, recolours it or
 * deletes it there, and every board shows that at once.  For nobody here asks who changed
 * the world: one system looks for strokes that changed and tells the boards, one observer
 * tells them of those that go.
 *
 *     board.draw → handler → stroke (world) → tell_changes → board.stroke → all boards
 *
 * Clients speak reef.v1, see docs/protocol.md; the page is web/examples/whiteboard.html.
 */
#include <reef/admin.h>
#include <reef/chat.h>
#include <reef/heartbeat.h>
#include <reef/rate_limit.h>
#include <reef/reef.h>
#include <reef/snapshot.h>

enum {
    WIDTH = 4000, /* the board's own units */
    HEIGHT = 2250,
    POINTS = 128,         /* of one entity; a longer stroke goes on in another */
    MAX_STROKES = 20000,  /* what a full board has */
    CATCH_UP_BYTES = 1 << 18, /* on their way to one who has just come */
};

/* World ------------------------------------------------------------------------ */

REEF_COMPONENT(board_point,
               0,
               REEF_I16(x, .min = 0, .max = WIDTH),
               REEF_I16(y, .min = 0, .max = HEIGHT));

REEF_COMPONENT(stroke,
               REEF_PERSISTENT,
               REEF_U64(number, .read_only = true, .doc = "counts the strokes"),
               REEF_U64(author, .read_only = true, .doc = "client id"),
               REEF_STRING(name, 64, .read_only = true, .doc = "of the author, then"),
               REEF_U32(pen, .read_only = true, .doc = "the author's stroke number"),
               REEF_U32(color, .max = 0xffffff),
               REEF_F32(width, .min = 1, .max = 200),
               REEF_BOOL(continues, .read_only = true),
               REEF_U32(count, .max = POINTS, .read_only = true),
               REEF_STRUCT_ARRAY(points, board_point, POINTS));

/* Beside a stroke: what the boards know of it. */
REEF_COMPONENT(stroke_told, 0, REEF_U32(color), REEF_F32(width), REEF_U32(count));

/* Of each client with a board. */
REEF_COMPONENT(board_member,
               0,
               REEF_ENTITY(stroke, .doc = "the one it is drawing"),
               REEF_U64(caught_up, .doc = "number of the last stroke it was sent"),
               REEF_BOOL(is_ready));

/* Messages --------------------------------------------------------------------- */

REEF_COMPONENT(board_draw,
               0,
               REEF_U32(pen),
               REEF_U32(color, .max = 0xffffff),
               REEF_F32(width, .min = 1, .max = 200));
REEF_COMPONENT(board_stroke,
               0,
               REEF_U64(id),
               REEF_U64(author),
               REEF_U32(pen),
               REEF_U32(color),
               REEF_F32(width),
               REEF_BOOL(continues),
               REEF_U32(first, .doc = "number of the first point that follows"));
REEF_COMPONENT(board_gone, 0, REEF_U64(id));
REEF_COMPONENT(board_ready, 0, REEF_U32(strokes));
REEF_COMPONENT(board_person, 0, REEF_U64(client), REEF_STRING(name, 64));
REEF_COMPONENT(board_cursor, 0, REEF_U64(client), REEF_I16(x), REEF_I16(y));
REEF_COMPONENT(board_left, 0, REEF_U64(client));
