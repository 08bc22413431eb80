package app

import (
	"stellwerk/connectors"
	"stellwerk/connectors/all"
	"stellwerk/internal/config"
)

// Offers lists the shipped services with what each needs of a municipality.
func Offers() ([]config.Offer, error) { return config.Offers(source("", nil)) }

// Kinds lists what this build can speak.
func Kinds() []connectors.Kind { return all.Kinds() }
