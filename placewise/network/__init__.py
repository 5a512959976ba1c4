"""Graph analysis. Links in, graphs and tables out."""
