package demo

import (
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
)

// The site: a house with three floors, its outbuildings, a garden and a meadow, of 100 by 50 metres. It is too large for
// one hop, so that some of the routers are needed.

// place is where a device stands, and what part its node can play.
type place struct {
	at   mesh.Position
	kind network.Kind
}

var places = map[string]place{
	"temp-attic":         {mesh.Position{X: 14, Y: 20, Z: 6}, network.SED},
	"temp-cellar":        {mesh.Position{X: 9, Y: 27, Z: -3}, network.SED},
	"temp-kitchen":       {mesh.Position{X: 6, Y: 15}, network.SED},
	"temp-bath":          {mesh.Position{X: 18, Y: 28, Z: 3}, network.MED},
	"temp-hall":          {mesh.Position{X: 16, Y: 14}, network.Router},
	"climate-study":      {mesh.Position{X: 5, Y: 30, Z: 3}, network.MED},
	"climate-nursery":    {mesh.Position{X: 20, Y: 17, Z: 3}, network.MED},
	"climate-greenhouse": {mesh.Position{X: 62, Y: 9}, network.FED},
	"door-front":         {mesh.Position{X: 24, Y: 23}, network.SED},
	"door-garage":        {mesh.Position{X: 39, Y: 12}, network.SED},
	"window-loft":        {mesh.Position{X: 8, Y: 21, Z: 6}, network.SED},
	"lamp-desk":          {mesh.Position{X: 4, Y: 33}, network.Router},
	"lamp-stairs":        {mesh.Position{X: 12, Y: 24, Z: 3}, network.Router},
	"lamp-garden":        {mesh.Position{X: 48, Y: 30}, network.Router},
	"lamp-porch":         {mesh.Position{X: 28, Y: 30}, network.Router},
	"meter-main":         {mesh.Position{X: 2, Y: 24, Z: -3}, network.Router},
	"meter-heatpump":     {mesh.Position{X: 33, Y: 18}, network.Router},
	"valve-north":        {mesh.Position{X: 55, Y: 4}, network.FED},
	"valve-south":        {mesh.Position{X: 58, Y: 43}, network.SED},
	"tracker-bike":       {mesh.Position{X: 43, Y: 22}, network.SED},
	"tracker-mower":      {mesh.Position{X: 84, Y: 35}, network.SED},
	"node-31024":         {mesh.Position{X: 22, Y: 36}, network.Router},
	"plain-temp-1":       {mesh.Position{X: 70, Y: 20}, network.MED},
	"plain-temp-2":       {mesh.Position{X: 92, Y: 24}, network.SED},
	"old-lamp":           {mesh.Position{X: 66, Y: 30}, network.Router},
}

// Where the border router and the plain routers stand, and whoever comes later.
var (
	borderAt  = mesh.Position{X: 10, Y: 18}
	routersAt = []mesh.Position{{X: 36, Y: 25}, {X: 60, Y: 22}, {X: 82, Y: 25}}
	guestAt   = mesh.Position{X: 13, Y: 10}
)

// joiner is the device that comes without the network's keys and is let in with its password, before the user's eyes.
const (
	joiner     = "temp-hall"
	joinerPSKd = "HEDD1E"
)
