package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// pace checks retry, breaker, limits and the rate.
func (l *loader) pace(file string, y *systemYAML, s *System) {
	if y.Retry.Then <= 0 {
		l.at(file, "retry.then", "retry.then must be greater than zero", "a partner that is down would be called without a pause")
	}
	if y.Retry.GiveUpAfter <= 0 {
		l.at(file, "retry.give-up-after", "retry.give-up-after must be greater than zero", "")
	}
	if y.Breaker.OpenAfter < 1 {
		l.at(file, "breaker.open-after", "breaker.open-after must be 1 or more", "")
	}
	if y.Breaker.HalfOpenAfter <= 0 {
		l.at(file, "breaker.half-open-after", "breaker.half-open-after must be greater than zero", "")
	}
	if y.Limits.Concurrency < 1 {
		l.at(file, "limits.concurrency", "limits.concurrency must be 1 or more", "stellwerk systems pause stops a system")
	}
	if y.Limits.Timeout <= 0 {
		l.at(file, "limits.timeout", "limits.timeout must be greater than zero", "")
	}
	if y.Limits.Rate != "" {
		rate, err := parseRate(y.Limits.Rate)
		if err != nil {
			l.at(file, "limits.rate", "limits.rate: "+err.Error(), "")
		}
		s.Limits.Rate = rate
	}
	for key, value := range map[string]string{"document": y.Document, "profile": y.Profile} {
		if value == "" && has(l.nodes[file], key) {
			l.at(file, key, key+" is empty", "remove the line where none is meant")
		}
	}
	if y.Document != "" && !names.MatchString(y.Document) {
		l.at(file, "document", "document: "+y.Document+" is not the name of a mapping", "write the file's name without folder and .yaml")
	}
}

// parseRate reads 10/s, 100/min or 20/h as attempts a second.
func parseRate(text string) (float64, error) {
	n, unit, _ := strings.Cut(text, "/")
	per := map[string]float64{"s": 1, "min": 60, "h": 3600}[unit]
	f, err := strconv.ParseFloat(n, 64)
	if err != nil || !(f > 0) || f > 1e6 || per == 0 {
		return 0, fmt.Errorf("%q is not a rate: write 10/s, 100/min or 20/h", text)
	}
	return f / per, nil
}

func (l *loader) window(file, at string, w windowYAML, s *System) {
	zone := berlin()
	for name, text := range w {
		if name == "time-zone" {
			z, err := time.LoadLocation(text)
			if err != nil || text == "" || text == "Local" {
				l.at(file, at+".time-zone", text+" is not a time zone", "write Europe/Berlin")
				return
			}
			zone = z
		}
	}
	before := len(s.Windows)
	for name, text := range w {
		if name == "time-zone" {
			continue
		}
		parsed, err := ParseWindow(name, text, zone)
		if err != nil {
			l.at(file, at+"."+name, err.Error(), "")
			return
		}
		s.Windows = append(s.Windows, parsed)
	}
	if len(s.Windows) != before+1 {
		l.at(file, at, "a window has one name and one time", `write {maintenance: "Sat 22:00-Sun 02:00"}`)
	}
}
