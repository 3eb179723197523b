/* Rooms, seen from outside the plugin that owns them. */
#include <reef/room.h>

reef_group_t reef_room_audience(reef_app_t *app, reef_entity_t client)
{
    reef_world_t *world = reef_app_world(app);
    reef_entity_t room = REEF_TARGET(world, client, in_room);
    const room_channel_t *channel =
        room != 0 ? REEF_FIND(world, room, room_channel) : NULL;

    return channel != NULL ? channel->group : reef_group_everyone(app);
}
