/**
 * @file reef.h
 * @brief Everything an application needs; the library itself never includes this.
 */
#ifndef REEF_REEF_H
#define REEF_REEF_H

#include <reef/app.h>
#include <reef/authenticate.h>
#include <reef/components.h>
#include <reef/gate.h>
#include <reef/group.h>
#include <reef/http.h>
#include <reef/list.h>
#include <reef/message.h>
#include <reef/message_bundle.h>
#include <reef/name.h>
#include <reef/opcode.h>
#include <reef/plugin.h>
#include <reef/room.h>
#include <reef/router.h>
#include <reef/session.h>
#include <reef/tcp.h>
#include <reef/tcps.h>
#include <reef/udp.h>
#include <reef/websocket.h>
#include <reef/wss.h>

#endif /* REEF_REEF_H */
