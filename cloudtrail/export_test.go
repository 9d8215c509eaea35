// SPDX-License-Identifier: Apache-2.0

package cloudtrail

// LogScan goes over the events of inflated log files, one after the other, as
// Events does with those that it verified.
type LogScan struct{ scan logScanner }

func NewLogScan(f Filter, limits Limits) (*LogScan, error) {
	c, err := f.compile()
	return &LogScan{logScanner{filter: c, limits: limits.filled()}}, err
}

func (l *LogScan) File(data []byte, yield func(*Event, error) bool) error {
	return l.scan.file("s3://bucket/log", data, nil, yield)
}

// Addresses is how many addresses its filter remembers.
func (l *LogScan) Addresses() int { return len(l.scan.filter.seen) }
