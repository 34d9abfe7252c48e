// Package routing is what a border router decides: which prefix the mesh's nodes have addresses of for the outside (OMR),
// which prefix the infrastructure link has, which routes and which NAT64 prefix the network data offer, and what the router
// advertisements on the infrastructure link say. It agrees on all of this with the other border routers and with the routers
// of the link, as OpenThread's routing manager does (src/core/border_router/routing_manager.cpp), whose timers and
// thresholds it has.
//
// A Manager is a plain value: messages, changes of the mesh and time go in, and what becomes of them goes out through its
// Env.
package routing
