// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// Measures of a drawing, in pixels.
const (
	boxWidth  = 184
	boxHeight = 62
	boxGap    = 40
	margin    = 24
	lineStep  = 20
)

// colours of hop kinds: the bar at the left of a box.
var colours = map[string]string{
	"eni": "#1f6feb", "subnet": "#2da44e", "vpc": "#8250df", "internet": "#57606a", "aws-services": "#57606a", "external": "#57606a",
}

const (
	gatewayColour = "#bc4c00"
	blockColour   = "#cf222e"
	inkColour     = "#1f2328"
	softColour    = "#656d76"
	sans          = `font-family="Helvetica,Arial,sans-serif"`
	mono          = `font-family="DejaVu Sans Mono,Menlo,Consolas,monospace"`
)

// drawing draws a path: the way out from left to right, the way back below it
// from right to left, and a list of what blocks. It holds text and shapes only.
func drawing(title string, p vpc.Path) []byte {
	d := &canvas{}
	d.text(margin, 36, 17, "bold", inkColour, sans, title)
	d.text(margin, 58, 13, "normal", softColour, sans, fmt.Sprintf("reachable: %s, reply: %s", p.Reachable, p.Reply))
	y := d.row(p, p.Hops, 88, false)
	if len(p.ReplyHops) > 0 {
		d.text(margin, y, 13, "normal", softColour, sans, "reply")
		y = d.row(p, p.ReplyHops, y+12, true)
	}
	for i, b := range p.Blocks {
		way := ""
		if b.Reply {
			way = "reply: "
		}
		line := fmt.Sprintf("%d  %s%s at %s", i+1, way, b.Code, b.At)
		if b.RA != "" {
			line += " (" + b.RA + ")"
		}
		d.text(margin, y, 13, "bold", blockColour, sans, line)
		y += lineStep
		if b.Fix != "" {
			d.text(margin+18, y, 13, "normal", inkColour, sans, b.Fix)
			y += lineStep
		}
	}
	if len(p.Ignored) > 0 {
		d.text(margin, y, 12, "normal", softColour, sans, "not in the snapshot, so not considered: "+strings.Join(p.Ignored, ", "))
		y += lineStep
	}
	return d.finish(max(640, d.right+margin), y+8)
}

// canvas gathers the elements of a drawing.
type canvas struct {
	b     bytes.Buffer
	right int
}

// row draws hops and returns where to go on below them. Those of a reply stand in
// reverse, so that both ways line up.
func (d *canvas) row(p vpc.Path, hops []vpc.Hop, y int, reply bool) int {
	stopped, most := false, 0
	for i, h := range hops {
		x := margin + i*(boxWidth+boxGap)
		if reply {
			x = margin + (len(hops)-1-i)*(boxWidth+boxGap)
		}
		d.right = max(d.right, x+boxWidth)
		if i > 0 {
			d.arrow(x, y+boxHeight/2, reply, stopped)
		}
		var blocks []int
		for n, b := range p.Blocks {
			if b.Hop == i && b.Reply == reply {
				blocks = append(blocks, n)
			}
		}
		d.box(x, y, h, len(blocks) > 0)
		for n, at := range blocks {
			d.badge(x, y+boxHeight+18+n*lineStep, at+1, string(p.Blocks[at].Code))
		}
		stopped, most = stopped || len(blocks) > 0, max(most, len(blocks))
	}
	return y + boxHeight + 38 + most*lineStep
}

// arrow leads to the box at x: from its left, or for a reply from its right.
func (d *canvas) arrow(x, y int, reply, stopped bool) {
	from, to, head := x-boxGap+4, x-4, -7
	if reply {
		from, to, head = x+boxWidth+boxGap-4, x+boxWidth+4, 7
	}
	colour, dash := inkColour, ""
	if stopped {
		colour, dash = "#b0b7bf", ` stroke-dasharray="5 4"`
	}
	fmt.Fprintf(&d.b, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s" stroke-width="2"%s/>`+"\n", from, y, to+head, y, colour, dash)
	fmt.Fprintf(&d.b, `<polygon points="%d,%d %d,%d %d,%d" fill="%s"/>`+"\n", to, y, to+head-head/7, y-5, to+head-head/7, y+5, colour)
}

func (d *canvas) box(x, y int, h vpc.Hop, blocked bool) {
	colour, ok := colours[h.Kind]
	if !ok {
		colour = gatewayColour
	}
	edge, width := "#d0d7de", 1
	if blocked {
		edge, width = blockColour, 3
	}
	fmt.Fprintf(&d.b, `<g><title>%s</title>`+"\n", escape(h.Kind+" "+h.ID+" "+h.Instance))
	fmt.Fprintf(&d.b, `<rect x="%d" y="%d" width="%d" height="%d" rx="6" fill="#f6f8fa" stroke="%s" stroke-width="%d"/>`+"\n", x, y, boxWidth, boxHeight, edge, width)
	fmt.Fprintf(&d.b, `<rect x="%d" y="%d" width="5" height="%d" fill="%s"/>`+"\n", x+3, y+4, boxHeight-8, colour)
	d.text(x+16, y+20, 12, "bold", colour, sans, h.Kind)
	d.text(x+16, y+38, 12, "normal", inkColour, mono, short(h.ID))
	if h.Instance != "" {
		d.text(x+16, y+54, 11, "normal", softColour, mono, short(h.Instance))
	}
	d.b.WriteString("</g>\n")
}

// badge marks a block below its hop.
func (d *canvas) badge(x, y, number int, code string) {
	fmt.Fprintf(&d.b, `<circle cx="%d" cy="%d" r="8" fill="%s"/>`+"\n", x+9, y-4, blockColour)
	fmt.Fprintf(&d.b, `<text x="%d" y="%d" font-size="11" font-weight="bold" fill="#ffffff" text-anchor="middle" %s>%d</text>`+"\n", x+9, y, sans, number)
	d.text(x+23, y, 12, "bold", blockColour, sans, code)
}

func (d *canvas) text(x, y, size int, weight, colour, font, s string) {
	fmt.Fprintf(&d.b, `<text x="%d" y="%d" font-size="%d" font-weight="%s" fill="%s" %s>%s</text>`+"\n", x, y, size, weight, colour, font, escape(s))
	if font == sans && x < 2*margin { // a line of its own: about 7 pixels a letter
		d.right = max(d.right, x+len(s)*size*55/100)
	}
}

func (d *canvas) finish(width, height int) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">`+"\n", width, height, width, height)
	fmt.Fprintf(&out, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	out.Write(d.b.Bytes())
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// short cuts what would not fit into a box.
func short(s string) string {
	r := []rune(s)
	if len(r) > 22 {
		return string(r[:21]) + "…"
	}
	return s
}

// escape makes any text harmless text.
func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
