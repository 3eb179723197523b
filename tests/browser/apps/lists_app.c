/*
 * What the browser looks at when it looks at lists: many rooms, some with hostile
 * names, clients in some of them, beside a list with nothing in it.
 */
#include <reef/admin.h>
#include <reef/demo.h>
#include <reef/list.h>
#include <reef/rate_limit.h>
#include <reef/reef.h>
#include <reef/room.h>
#include <reef/snapshot.h>

#include <stdio.h>

enum {
    DENS = 2500,
    GUESTS = 120,
    USUAL_GUESTS = 12
};

static const reef_enum_value_t moods[] = {{"calm", 0}, {"wild", 1}, {"asleep", 2}};

REEF_COMPONENT(room_row,
               0,
               REEF_STRING(name, 128),
               REEF_U32(members),
               REEF_ENUM(mood, moods),
               REEF_F32(depth, .unit = "m"),
               REEF_U64(bytes, .unit = "B"),
               REEF_U64(owner_id, .doc = "client that made it"),
               REEF_ENTITY(guide),
               REEF_BOOL(locked));

/* Rooms 0 and 1 are full of guests, rooms below USUAL_GUESTS have one each.  The last
 * one is there for as long as its keeper. */
typedef struct gallery {
    reef_world_t *world;
    room_row_t rooms[DENS];
    reef_entity_t keeper;
    reef_entity_t guests[2][GUESTS];
    reef_entity_t single[USUAL_GUESTS];
} gallery_t;

static uint32_t count_rooms(void *context)
{
    const gallery_t *gallery = context;

    return DENS - !reef_world_is_alive(gallery->world, gallery->keeper);
}

static void get_room(void *context, uint32_t index, void *row)
{
    gallery_t *gallery = context;

    gallery->rooms[0].bytes += index == 0;
    *(room_row_t *)row = gallery->rooms[index];
}

static const reef_entity_t *get_members(void *context, uint32_t index, uint32_t *count)
{
    gallery_t *gallery = context;

    *count = gallery->rooms[index].members;
    if (index == DENS - 1) {
        return &gallery->keeper;
    }
    return index < 2 ? gallery->guests[index] : &gallery->single[index % USUAL_GUESTS];
}

static reef_entity_t spawn_guest(reef_world_t *world, uint32_t number, const char *room)
{
    reef_entity_t entity = reef_world_spawn(world, REEF_RANGE_WORLD);
    name_t name = {0};
    room_t where = {0};

    snprintf(name.value, sizeof(name.value), "Guest %u", number);
    snprintf(where.value, sizeof(where.value), "%s", room);
    reef_world_add(world, entity, reef_world_component(world, &name_type), &name);
    reef_world_add(world, entity, reef_world_component(world, &room_type), &where);
    return entity;
}

static void name_room(room_row_t *room, uint32_t index)
{
    static const char *const names[] = {
        "Lobby",
        "<img src=x onerror=hacked=1>",
        "a/b %2F ?#&+=",
        "Korallenriff \xc3\xbc\xe2\x80\xae",
        "Café de la mer \xf0\x9f\x90\xa2",
    };

    if (index < sizeof(names) / sizeof(names[0])) {
        snprintf(room->name, sizeof(room->name), "%s", names[index]);
    } else if (index == DENS - 1) {
        snprintf(room->name, sizeof(room->name), "Fleeting");
    } else if (index == 5) {
        memset(room->name, 'w', sizeof(room->name) - 1);
    } else {
        snprintf(room->name, sizeof(room->name), "Room %04u", index);
    }
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    static gallery_t gallery;
    reef_world_t *world = reef_app_world(app);

    (void)config, (void)state, (void)failure;
    gallery.world = world;
    for (uint32_t i = 0; i < DENS; i++) {
        room_row_t *room = &gallery.rooms[i];

        name_room(room, i);
        room->members = i < 2 ? GUESTS - 40 * i : i < USUAL_GUESTS ? 1 : 0;
        room->mood = (int32_t)(i % 3);
        room->depth = (float)(i % 97) * 1.5f;
        room->bytes = (uint64_t)i * i * 977;
        room->owner_id = 1000 + i;
        room->locked = i % 4 == 0;
    }
    for (uint32_t i = 0; i < GUESTS; i++) {
        gallery.guests[0][i] = spawn_guest(world, i, gallery.rooms[0].name);
        gallery.guests[1][i] = spawn_guest(world, 1000 + i, gallery.rooms[1].name);
    }
    for (uint32_t i = 0; i < USUAL_GUESTS; i++) {
        gallery.single[i] = spawn_guest(world, 2000 + i, gallery.rooms[i].name);
        gallery.rooms[i].guide = gallery.single[i];
    }
    gallery.keeper = spawn_guest(world, 3000, "Fleeting");
    gallery.rooms[DENS - 1].members = 1;
    reef_app_add_list(app, &(reef_list_desc_t){.name = "rooms",
                                               .doc = "Rooms of the chat.",
                                               .row = &room_row_type,
                                               .count = count_rooms,
                                               .get = get_room,
                                               .members = get_members,
                                               .context = &gallery});
    return REEF_OK;
}

int main(int argc, char **argv)
{
    const reef_plugin_t gallery = {REEF_PLUGIN_API, "gallery", .build = build};
    const reef_plugin_t *plugins[] = {&reef_snapshot_plugin,
                                      &reef_demo_plugin,
                                      &reef_websocket_plugin,
                                      &reef_admin_plugin,
                                      &gallery,
                                      &reef_rate_limit_plugin,
                                      NULL};

    return reef_main(argc, argv, plugins);
}
