"""Plotly figures. They take tidy values of the engine; texts of people are escaped, because Plotly reads a little HTML.

Each module is imported only when its chart is shown: Plotly takes a moment to load. None needs Streamlit: notebooks draw with them, too.
"""
