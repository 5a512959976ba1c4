"""What a panel does: hotspots, place dossiers, connections."""
