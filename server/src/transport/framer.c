/* The payload is copied behind another header: what a buffer carries never changes. */
#include "transport/framer.h"

reef_buffer_t *reef__framer_reframe(reef__framer_t *framer,
                                    reef_buffer_t *message,
                                    reef__framing_t framing)
{
    if (framer->last[framing].payload != message) {
        reef_buffer_unref(framer->last[framing].payload);
        reef_buffer_unref(framer->last[framing].framed);
        framer->last[framing].payload = reef_buffer_ref(message);
        framer->last[framing].framed = reef__buffer_create_framed(
            framing, reef_buffer_kind(message), reef_buffer_payload(message));
    }
    reef_buffer_unref(message);
    return reef_buffer_ref(framer->last[framing].framed);
}

void reef__framer_release(reef__framer_t *framer)
{
    for (int i = 0; i < REEF__FRAMING_COUNT; i++) {
        reef_buffer_unref(framer->last[i].payload);
        reef_buffer_unref(framer->last[i].framed);
        framer->last[i].payload = NULL;
        framer->last[i].framed = NULL;
    }
}
