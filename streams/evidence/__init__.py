"""Evidence packages: what the center's records show about one alert, signed, for somebody who was not there."""
