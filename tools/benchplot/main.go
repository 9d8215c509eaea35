// SPDX-License-Identifier: Apache-2.0

// Command benchplot draws the raw benchmark output of docs/bench as SVG.
//
//	cd tools && GOWORK=off go run ./benchplot ../docs/bench
package main

import (
	"bufio"
	"errors"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: benchplot DIR")
		os.Exit(2)
	}
	for _, f := range figures {
		if err := f.draw(os.Args[1]); err != nil {
			fmt.Fprintf(os.Stderr, "benchplot: %s: %v\n", f.name, err)
			os.Exit(1)
		}
	}
}

// figure is one drawing of one raw file.
type figure struct {
	name, file, title, x, y string
	unit                    string // of the values taken: ns/op, MB/s
	pattern                 string // of benchmark names, with the groups x and series; without x, bars
	series                  []label
	logX, logY              bool
}

// label gives a series its name on the drawing.
type label struct{ key, text string }

var figures = []figure{
	{
		name: "iampolicy", file: "iampolicy.txt", title: "iampolicy: one decision, allowed, each statement with a resource of its own",
		x: "statements", y: "ns", unit: "cpu-ns/op", logX: true, logY: true,
		pattern: `^BenchmarkPeers/n=(?P<x>\d+)/indexable=true/hit=true/engine=(?P<series>\w+)`,
		series:  []label{{"iampolicy", "iampolicy"}, {"cedar", "cedar-go"}, {"minio", "minio/pkg"}},
	},
	{
		name: "netfilter", file: "netfilter.txt", title: "netfilter: one IPv4 decision", x: "rules", y: "ns", unit: "ns/op", logX: true, logY: true,
		pattern: `^BenchmarkDecide/v4/rules=(?P<x>\d+)/form=(?P<series>\w+)`,
		series:  []label{{"cross", "Cross form"}, {"compact", "Compact form"}, {"naive", "a loop over the rules"}},
	},
	{
		name: "envelope", file: "envelope-quiet.txt", title: "envelope: 16 MiB, frames of 4 KiB, one core", y: "MB/s", unit: "MB/s",
		pattern: `^Benchmark16MiB/encrypt/(?P<series>[\w-]+)(?:/frame=4096|/segment=4096)?(?:/workers=1)?-2$`,
		series: []label{
			{"floor-gcm", "bare AES-GCM"}, {"envelope-0478", "one call"}, {"envelope-0478-stream", "stream"}, {"tink-streaming", "tink-go"}, {"age-x25519", "age"},
		},
	},
	{
		name: "sigv4", file: "sigv4.txt", title: "sigv4: sign or presign one request", y: "ns", unit: "ns/op",
		pattern: `^Benchmark(?P<series>(?:Sign|Presign)/[\w-]+?)-2$`,
		series: []label{
			{"Sign/sallyport", "Sign"},
			{"Sign/aws-sdk-go-v2", "SDK SignHTTP"},
			{"Sign/smithy-go", "smithy-go"},
			{"Presign/sallyport", "Presign"},
			{"Presign/aws-sdk-go-v2", "SDK PresignHTTP"},
		},
	},
	{
		name: "presign", file: "presign.txt", title: "presign: a GET URL, endpoint and all", y: "ns", unit: "ns/op",
		pattern: `^BenchmarkGet/(?P<series>[\w-]+?)-2$`,
		series:  []label{{"sallyport", "S3.Get"}, {"aws-sdk-go-v2", "SDK PresignClient"}, {"minio-go", "minio-go"}},
	},
}

var palette = []color.Color{
	color.RGBA{0x1b, 0x6c, 0xa8, 0xff},
	color.RGBA{0xc7, 0x5b, 0x12, 0xff},
	color.RGBA{0x5a, 0x5a, 0x5a, 0xff},
	color.RGBA{0x3a, 0x8d, 0x4e, 0xff},
	color.RGBA{0x8a, 0x4f, 0x9e, 0xff},
}

func (f figure) draw(dir string) error {
	values, err := f.read(filepath.Join(dir, f.file))
	if err != nil {
		return err
	}
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = f.title, f.x, f.y
	p.Title.Padding = vg.Points(8)
	p.Add(plotter.NewGrid())
	if f.x == "" {
		err = f.bars(p, values)
	} else {
		err = f.lines(p, values)
	}
	if err != nil {
		return err
	}
	const width, height, margin = 16 * vg.Centimeter, 9 * vg.Centimeter, 4 * vg.Millimeter
	canvas := vgsvg.New(width, height)
	whole := draw.New(canvas)
	whole.SetColor(color.White)
	whole.Fill(whole.Rectangle.Path())
	p.Draw(draw.Crop(whole, margin, -margin, margin, -margin))
	out, err := os.Create(filepath.Join(dir, f.name+".svg"))
	if err != nil {
		return err
	}
	_, err = canvas.WriteTo(out)
	return errors.Join(err, out.Close())
}

func (f figure) lines(p *plot.Plot, values map[string]map[float64]float64) error {
	if f.logX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	if f.logY {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, vg.Points(4)
	for i, s := range f.series {
		var points plotter.XYs
		for x, y := range values[s.key] {
			points = append(points, plotter.XY{X: x, Y: y})
		}
		if len(points) == 0 {
			return fmt.Errorf("no values of %q", s.key)
		}
		slices.SortFunc(points, func(a, b plotter.XY) int { return int(a.X - b.X) })
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		line.Color, dots.Color, line.Width = palette[i], palette[i], vg.Points(1.5)
		p.Add(line, dots)
		p.Legend.Add(s.text, line, dots)
	}
	return nil
}

func (f figure) bars(p *plot.Plot, values map[string]map[float64]float64) error {
	var names []string
	for i, s := range f.series {
		y, ok := values[s.key][0]
		if !ok {
			return fmt.Errorf("no values of %q", s.key)
		}
		bar, err := plotter.NewBarChart(plotter.Values{y}, vg.Points(36))
		if err != nil {
			return err
		}
		bar.XMin, bar.Color, bar.LineStyle.Width = float64(i), palette[0], 0
		if !strings.Contains(s.key, "sallyport") && !strings.Contains(s.key, "envelope") {
			bar.Color = palette[2]
		}
		p.Add(bar)
		names = append(names, s.text)
	}
	p.NominalX(names...)
	p.X.Min, p.X.Max, p.Y.Min = -0.5, float64(len(names))-0.5, 0
	p.Y.Tick.Marker = whole{}
	return nil
}

// whole marks an axis without decimals.
type whole struct{}

func (whole) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = strconv.FormatFloat(ticks[i].Value, 'f', 0, 64)
		}
	}
	return ticks
}

// read takes the median of each benchmark's values.
func (f figure) read(path string) (map[string]map[float64]float64, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	pattern, err := regexp.Compile(f.pattern)
	if err != nil {
		return nil, err
	}
	all := map[string]map[float64][]float64{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		match := pattern.FindStringSubmatch(fields[0])
		i := slices.Index(fields, f.unit)
		if match == nil || i < 1 {
			continue
		}
		value, err := strconv.ParseFloat(fields[i-1], 64)
		if err != nil {
			return nil, err
		}
		series, x := match[pattern.SubexpIndex("series")], 0.0
		if n := pattern.SubexpIndex("x"); n > 0 {
			if x, err = strconv.ParseFloat(match[n], 64); err != nil {
				return nil, err
			}
		}
		if all[series] == nil {
			all[series] = map[float64][]float64{}
		}
		all[series][x] = append(all[series][x], value)
	}
	medians := map[string]map[float64]float64{}
	for series, xs := range all {
		medians[series] = map[float64]float64{}
		for x, values := range xs {
			slices.Sort(values)
			medians[series][x] = values[len(values)/2]
		}
	}
	return medians, lines.Err()
}
